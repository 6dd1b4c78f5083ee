"""The report as files: whole in themselves, escaped, the same again."""

import csv
import logging
import re
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest

from clip_har.cli.report import main
from clip_har.core.locks import whole_folder_alone
from clip_har.metrics.measures import find
from clip_har.report.clips.links import DATA, clips_link, of_attribute
from clip_har.report.clips.links import PAGE as CLIPS
from clip_har.report.numbers import share
from clip_har.report.page import LATEX, MARKDOWN, PAGE, write_report
from clip_har.report.selection import of_sweep
from clip_har.results.files import ALSO_LEARNED_FROM, METRICS, write_json
from clip_har.sweeps.files import TABLE
from tests.report.made import made_cell, made_sweep, table, usual

EVIL = tuple(
    f"{text} {number}"
    for number, text in enumerate(
        ["<script>document.title='broken'</script>", "a|b", "50 % & more", "tab_le", '"quoted"',
         "</title><img src=x onerror=alert(1)>", "日本", "$x^2$"]
    )
)  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    results = tmp_path_factory.mktemp("results")
    chosen = of_sweep(usual(results))
    return write_report(chosen, results / "report").parent


def tidy(folder: Path) -> list[dict[str, str]]:
    with next(folder.parent.glob(f"sweeps/*/{TABLE}")).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_is_written_once_in_the_sweeps_folder(report):
    assert {path.name for path in report.iterdir()} == {PAGE, MARKDOWN, LATEX, CLIPS, DATA}
    assert len(tidy(report)) == 7


def test_one_model_is_compared_with_none(report):
    assert "models" not in {path.stem for path in report.iterdir()}
    assert 'id="models"' not in (report / PAGE).read_text()
    assert not list(report.parent.glob("sweeps/*/model*.csv"))


def test_the_page_needs_nothing_beside_it(report):
    text = (report / PAGE).read_text()
    assert not re.search(r"""(?:src|srcset)=["'](?!data:)""", text)
    assert not re.search(rf"""href=["'](?!{CLIPS}|#)""", text)
    assert "http" not in re.sub(r'data:[^"]*', "", text).replace("http-equiv", "")
    assert "url(" not in re.sub(r'data:[^"]*', "", text)


def test_an_interval_that_is_not_known_is_a_dash(report):
    for name in (PAGE, MARKDOWN):
        assert "– to –" not in (report / name).read_text()


def test_noise_that_has_seen_evaluated_groups_is_said(tmp_path):
    seen: dict[str, Any] = {ALSO_LEARNED_FROM: 3}
    cells = {
        "none": made_cell(tmp_path, "none", table(0.9), "masking=none"),
        "percent": made_cell(tmp_path, "percent", table(0.8), "masking=percent", **seen),
    }
    chosen = of_sweep(made_sweep(tmp_path, cells))
    folder = write_report(chosen, tmp_path / "report").parent
    for name in (PAGE, MARKDOWN):
        assert "Noise was learned on 3 of the groups that are evaluated" in (
            (folder / name).read_text()
        )


def test_measures_over_several_cells_stand_in_plain_words_with_intervals(report):
    text = (report / MARKDOWN).read_text()
    (line,) = (line for line in text.splitlines() if "(`robustness/area`) | percent" in line)
    name, _, value, interval = (part.strip() for part in line.strip("|").split("|"))
    assert name.startswith("area under accuracy, %")
    low, high = (float(end) for end in interval.split(" to "))
    assert low < float(value) < high
    page = (report / PAGE).read_text()
    assert find("robustness/area").explanation in page


def test_kinds_of_clips_and_costs_are_shown(tmp_path):
    clean = replace(table(0.9), attributes={"view": ("front", "back") * 80})
    folder = made_cell(tmp_path, "clean", clean, "masking=none")
    cost = {"cost/seconds": 2.0, "cost/frames_per_second": 1234.0, "cost/peak_memory_mb": 900.0}
    write_json(folder / "cost.json", cost)
    page = write_report(of_sweep(made_sweep(tmp_path, {"none": folder})), tmp_path / "r")
    text = page.read_text()
    assert 'id="attributes"' in text
    front = (clean.predictions() == clean.labels)[::2].mean()
    link = escape(clips_link(0, folder.name, attribute=of_attribute("view", "front")))
    assert f'<tr><td>front</td><td>80</td><td><a href="{link}">{share(front)}</a> <span' in text
    assert "<td>1,234</td>" in text


def test_the_table_is_tidy(report):
    rows = tidy(report)
    assert len(rows) == 7
    assert len({row["cell"] for row in rows}) == 7
    for name in ("top1", "ece", "bias/skew_kl", "flip_rate", "top1_p_holm", "verdict", "command"):
        assert name in rows[0]


def test_every_cell_is_on_the_page_with_its_command(report):
    text = (report / PAGE).read_text()
    for row in tidy(report):
        assert f'<tr data-cell="{row["cell"]}"' in text
        assert f"<code>{row['command']}</code>" in text
        assert f"| {row['cell']} |" in (report / MARKDOWN).read_text()
        assert row["cell"] in (report / LATEX).read_text()


def test_the_latex_table_holds_no_comment_and_no_letter_of_its_own(report):
    text = (report / LATEX).read_text()
    assert "95 \\% interval" in text
    assert not re.search(r"(?<!\\)%", text), "the rest of the line would be lost"
    assert text.isascii()
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 8
    assert all(line.count("&") == 7 for line in lines)
    assert "& $-$57.5 &" in text
    assert "& $<$ 0.001 &" in text


def test_written_again_it_is_the_same(report, tmp_path):
    before = {path.name: path.read_bytes() for path in report.iterdir() if path.is_file()}
    chosen = of_sweep(next((report.parent / "sweeps").iterdir()))
    again = write_report(chosen, report).parent
    assert before == {path.name: path.read_bytes() for path in again.iterdir() if path.is_file()}


def test_what_leaks_the_label_is_marked_everywhere(tmp_path):
    clean = table(0.5)
    cells = {
        "none": made_cell(tmp_path, "clean", clean, "masking=none"),
        "mask [uses the true label]": made_cell(
            tmp_path, "oracle", table(1.0), "masking=percent", clean=clean, leaks=True
        ),
    }
    folder = write_report(of_sweep(made_sweep(tmp_path, cells)), tmp_path / "r").parent
    assert '<span class="leak">leaks the label</span>' in (folder / PAGE).read_text()
    assert "**leaks the label**" in (folder / MARKDOWN).read_text()
    assert "uses the true label" in (folder / LATEX).read_text()
    assert [row["leaks"] for row in tidy(folder)] == ["False", "True"]


def test_names_are_text_and_nothing_else(tmp_path):
    sweep = usual(tmp_path, names=EVIL)
    folder = write_report(of_sweep(sweep), tmp_path / "r").parent
    page = (folder / PAGE).read_text()
    assert page.count("<script") == 1, "its own"
    assert "<img src=x" not in page
    assert "&lt;script&gt;" in page


def test_warnings_are_on_the_page(tmp_path):
    folder = made_cell(tmp_path, "clean", table(0.9), "masking=none")
    sweep = made_sweep(tmp_path, {"none": folder, "shape": "no <b>disk</b>"}, asked=3)
    out = write_report(of_sweep(sweep), tmp_path / "r").parent
    page = (out / PAGE).read_text()
    assert "shape: no &lt;b&gt;disk&lt;/b&gt;" in page
    assert "1 of 3 cells were not run: run the same command again" in page
    assert "- 1 of 3 cells were not run" in (out / MARKDOWN).read_text()


def test_classes_that_the_model_was_not_trained_on_stand_on_top_of_the_page(tmp_path):
    clean = table(0.9)
    one = made_cell(tmp_path, "clean", clean, "masking=none", unfamiliar_classes=["Fencing"])
    out = write_report(of_sweep(made_sweep(tmp_path, {"none": one})), tmp_path / "r").parent
    assert "it was not trained on 1 of the classes (Fencing)" in (out / PAGE).read_text()


def test_the_command_writes_the_newest_sweep_and_names_the_page(tmp_path, capsys):
    sweep = usual(tmp_path)
    main(["--results-dir", str(tmp_path)])
    shown = capsys.readouterr()
    assert shown.out == f"{sweep / 'report' / PAGE}\n"
    assert shown.err == ""
    main([str(sweep), "--out", str(tmp_path / "elsewhere")])
    assert (tmp_path / "elsewhere" / PAGE).is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone"], "expected the folder of a sweep"),
        (["--results-dir", "gone"], "holds no sweep"),
    ],
)
def test_what_is_impossible_gives_one_line(
    tmp_path, monkeypatch, capsys, arguments: list[str], message: str
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_the_command_names_cells_that_are_not_on_the_page(tmp_path, capsys):
    found = made_cell(tmp_path, "clean", table(0.9), "masking=none")
    cells = {"none": found} | {f"shape r=0.{number}": "broke" for number in range(1, 8)}
    main([str(made_sweep(tmp_path, cells))])
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "clip-har: not in the report: shape r=0.1: broke"
    assert len(lines) == 6
    assert lines[5] == "clip-har: not in the report: 2 more, which it lists"


def test_the_tables_of_a_sweep_that_cannot_be_written_stand_beside_the_page(tmp_path, monkeypatch):
    sweep = usual(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr("clip_har.report.selection.os.access", lambda *_: False)
        page = write_report(of_sweep(sweep), tmp_path / "out")
    assert not list(sweep.glob("*.csv"))
    beside = {path.name: path.read_text() for path in page.parent.glob("*.csv")}
    assert all(len(text.splitlines()) > 1 for text in beside.values()), "no table without rows"
    write_report(of_sweep(sweep), tmp_path / "again")
    within = {path.name: path.read_text() for path in sweep.glob("*.csv")}
    assert beside.keys() == within.keys() >= {TABLE, "measures.csv"}
    assert {**beside, TABLE: ""} == {**within, TABLE: ""}  # that of the cells also has the jobs


def test_a_second_report_waits_for_the_first(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    chosen = of_sweep(usual(tmp_path))
    folder = tmp_path / "report"
    with ThreadPoolExecutor(1) as pool:
        with whole_folder_alone(folder, "report") as first:
            second = pool.submit(write_report, chosen, folder)
            while not (second.done() or "waiting for another process" in caplog.text):
                time.sleep(0.01)
            (first / PAGE).write_text("the first")
        assert second.result().read_text() != "the first"


def test_a_cell_whose_numbers_are_lost_stops_no_other(tmp_path, capsys):
    clean = table(0.9)
    twin = made_cell(tmp_path, "clean", clean, "masking=none")
    cells = {
        name: made_cell(tmp_path, name, table(0.6), f"masking={name}", clean=clean)
        for name in ("percent", "shape")
    }
    sweep = made_sweep(tmp_path, cells)
    shutil.rmtree(twin)
    (cells["shape"] / METRICS).write_text("{")
    main([str(sweep)])
    assert capsys.readouterr().err == (
        "clip-har: not in the report: shape: metrics.json cannot be made again, because the clean"
        " twin no longer exists: run its command again\n"
    )
    rows = tidy(tmp_path / "report")
    assert [(row["cell"], row["top1"] != "") for row in rows] == [
        ("percent", True), ("shape", False),
    ]  # fmt: skip


def test_a_filter_needs_an_experiment(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--filter", "params.masking = 'shape'"])
    assert caught.value.code == 2
    assert "add --experiment" in capsys.readouterr().err
