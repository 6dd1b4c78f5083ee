"""The section that compares domains, on the page and in the files beside it."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from clip_har.figures.domains import domains_figure
from clip_har.figures.models import Span
from clip_har.report.domains import DomainsPart
from clip_har.report.page import MARKDOWN, PAGE, write_report, write_sweep_tables
from clip_har.report.selection import of_sweep
from clip_har.sweeps.domain_tables import domain_tables
from tests.report.domains import made_domains
from tests.report.models import Noted

DOMAINS = {"ucf101/test": (0.85, 0.3), "a $ward$": (0.4, 0.05), "tiny": (0.8, 0.3)}
CLIPS = {"ucf101/test": 240, "a $ward$": 100, "tiny": 12}
ONE = ("percent r=0.3",)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("domains")
    return made_domains(folder, DOMAINS, clips=CLIPS, masks=ONE)


def part_of(folder: Path) -> DomainsPart:
    (tables,) = domain_tables(of_sweep(folder).comparisons)
    return DomainsPart.of(tables, 0)


def sentences(part: DomainsPart, question: str) -> str:
    return " ".join(
        " ".join(one.sentences) for one in part.answers if one.question.startswith(question)
    )


def test_the_first_screen_says_what_the_tests_say(tmp_path: Path) -> None:
    part = part_of(
        made_domains(tmp_path, {"a": (0.9, 0.2), "b": (0.88, 0.2), "c": (0.3, 0.0)}, masks=ONE)
    )
    assert part.name == "tiny in 3 domains, 8 classes"
    assert "Worst domain: c" in sentences(part, "How accurate")
    differ = sentences(part, "Do the domains differ")
    assert "a above c by " in differ
    assert "b above c by " in differ
    assert "a above b" not in differ
    assert "the other 1 of 3 pairs" in differ
    assert "nothing is paired" in sentences(part, "What may be concluded")
    same = part_of(made_domains(tmp_path / "same", {"a": (0.7, 0.2), "b": (0.7, 0.2)}, masks=()))
    assert "find no difference of accuracy on unchanged clips" in sentences(same, "Do the domains")
    alike = part_of(made_domains(tmp_path / "1", {"a": (1.0, 0.2), "b": (1.0, 0.2)}, masks=()))
    assert "Worst domain" not in sentences(alike, "How accurate"), "none is worse"
    assert "not “equal”" in sentences(same, "Do the domains")


def test_doubts_are_named(sweep: Path, tmp_path: Path) -> None:
    doubts = sentences(part_of(sweep), "What to distrust")
    assert "rough intervals: ucf101/test, a $ward$" in doubts
    names = dict.fromkeys(("u/test/1", "u/test/2", "h"), (0.8, 0.1))
    data = {f"u/test/{split}": ["dataset=ucf101", f"dataset.split={split}"] for split in (1, 2)}
    split = part_of(made_domains(tmp_path, names, overrides=data, masks=()))
    assert "is left out here: tiny on u/test/2" in sentences(split, "What to distrust")


def test_a_part_of_a_data_set_is_counted_once(tmp_path: Path) -> None:
    theatre = "theatre (2 of 40 operations)"
    names = {"ucf101/test (240 of 3,783 clips)": (0.8, 0.1), theatre: (0.7, 0.1)}
    part = part_of(made_domains(tmp_path, names, masks=ONE))
    assert part.domains == ["ucf101/test (a part)", "theatre (a part)"]
    assert all(None not in row["cells"] for row in [*part.masks, *part.classes])
    assert {pair["domain"] for pair in part.pairs} | {pair["other"] for pair in part.pairs} == set(
        part.domains
    )
    said = " ".join(" ".join(one.sentences) for one in part.answers)
    assert said.count("240 of 3,783") == 1
    assert "ucf101/test 240 of 3,783 clips; theatre 2 of 40 operations." in sentences(
        part, "What to distrust"
    )


def test_the_page_has_the_section_and_the_files(
    sweep: Path, tmp_path: Path, browser: Browser
) -> None:
    chosen = of_sweep(sweep)
    drawing = Noted()
    written = write_sweep_tables(chosen, drawing=drawing)
    assert written is not None
    write_report(chosen, tmp_path / "out", written=written, drawing=drawing, printed=True)
    names = {path.name for path in written.files}
    assert {
        "domains.csv", "domain_pairs.csv", "domain_classes.csv", "domain_bias.csv",
    } <= names  # fmt: skip
    page = browser.new_page()
    page.goto((tmp_path / "out" / PAGE).as_uri())
    assert page.title().startswith("clip_har")
    assert page.locator("#domains h2").inner_text() == "tiny in 3 domains, 8 classes"
    header = page.locator("table[data-table=domains] th").all_inner_texts()
    assert [text.strip() for text in header[1:4]] == list(DOMAINS)
    assert page.locator("table[data-table=domains] tbody tr").count() == 2
    assert page.locator("#domains-charts img, #domains-charts svg").count() >= 1
    assert page.locator("#matrix").count() == 0, "the section says the same with intervals"
    text = (tmp_path / "out" / MARKDOWN).read_text()
    assert "## tiny in 3 domains, 8 classes" in text
    assert "domains_by_masks.pdf" in drawing.files


def test_one_data_set_has_no_section(tmp_path: Path) -> None:
    folder = made_domains(tmp_path, {"alone": (0.8, 0.1)}, masks=())
    assert not domain_tables(of_sweep(folder).comparisons)


def test_the_figure_shows_each_domain_under_each_mask() -> None:
    nan = float("nan")
    masks = {
        "unchanged": {"a": Span(0.5, 0.4, 0.6), "b$": Span(0.7, nan, nan)},
        "percent": {"a": Span(0.3, 0.2, 0.4)},
    }
    figure = domains_figure(masks, chance=0.125)
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_yticklabels()] == ["unchanged", "percent"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["a", "b$"]
    low, high = axes.get_xlim()
    assert low < 0.125 < 0.7 < high
    figure.canvas.draw()
