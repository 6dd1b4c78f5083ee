"""What a sweep sends to its run: once, also when it is sent again."""

from pathlib import Path

import pytest
from mlflow import MlflowClient
from PIL import Image

from clip_har.tracking.mlflow import MLflowTracking, default_uri
from clip_har.tracking.records import log_pictures, replace_pictures
from clip_har.tracking.tracker import RunInfo, SweepInfo, SweepSummary

CURVE = {"top1_over_ratio/shape": {0: 0.9, 10: 0.8, 30: 0.5}}


class Sweep:
    """A sweep of some cells in a new store."""

    def __init__(self, results: Path, cells: int = 2) -> None:
        self.results, self.tracking = results, MLflowTracking()
        self.parent = self.open(SweepInfo("s", "k", {"model": "tiny"}, [("clips", "digest")]))
        self.client = MlflowClient(default_uri(results))
        (results / "cell").mkdir()
        for number in range(cells):
            info = RunInfo(f"cell [{number}]", f"{number:032x}", {}, parent=self.parent)
            with self.tracking.run(results, info) as sent:
                sent.log_results(results / "cell", {"top1": number / 1000})

    def open(self, info: SweepInfo) -> str:
        return self.tracking.open_sweep(self.results, info, fresh=False)

    def close(self, summary: SweepSummary) -> None:
        self.tracking.close_sweep(self.results, self.parent, summary, status="FINISHED")

    def children(self) -> dict[str, str]:
        query = f"tags.`mlflow.parentRunId` = '{self.parent}'"
        runs = self.client.search_runs(["1"], query, max_results=1000)
        return {run.data.tags["clip_har.fingerprint"]: run.info.run_id for run in runs}

    def history(self, name: str) -> list[tuple[int, float]]:
        found = self.client.get_metric_history(self.parent, name)
        return sorted((one.step, one.value) for one in found)

    def pictures(self) -> list[str]:
        found = [file.path for file in self.client.list_artifacts(self.parent, "images")]
        return sorted(name.split("+")[0] for name in found if name.endswith(".png"))


@pytest.fixture
def sweep(tmp_path: Path) -> Sweep:
    return Sweep(tmp_path)


def test_numbers_curves_and_pictures_that_are_sent_again_are_there_once(sweep: Sweep) -> None:
    path = sweep.results / "mask_gallery.png"
    Image.new("RGB", (40, 30), "#336699").save(path)
    cells = {f"{0:032x}": {"top1_change": -0.1}}
    sent = SweepSummary([path], {"robustness/area": 0.7}, CURVE, cells)
    for _ in range(2):
        sweep.close(sent)
    assert sweep.history("robustness/area") == [(0, 0.7)]
    assert sweep.history("top1_over_ratio/shape") == [(0, 0.9), (10, 0.8), (30, 0.5)]
    assert sweep.pictures() == ["images/pictures~mask gallery"]
    child = sweep.children()[f"{0:032x}"]
    assert [one.value for one in sweep.client.get_metric_history(child, "top1_change")] == [-0.1]


def test_only_a_point_that_changed_is_sent_again(sweep: Sweep) -> None:
    sweep.close(SweepSummary(curves=CURVE))
    sweep.close(SweepSummary(curves={"top1_over_ratio/shape": {0: 0.9, 10: 0.7, 30: 0.5}}))
    assert sweep.history("top1_over_ratio/shape") == [(0, 0.9), (10, 0.7), (10, 0.8), (30, 0.5)]
    newest = max(
        sweep.client.get_metric_history(sweep.parent, "top1_over_ratio/shape"),
        key=lambda one: one.timestamp,
    )
    assert (newest.step, newest.value) == (10, 0.7)


def test_a_picture_replaces_only_that_of_its_own_key(sweep: Sweep) -> None:
    path = sweep.results / "a.png"
    for colour in ("red", "green"):
        Image.new("RGB", (40, 30), colour).save(path)
        replace_pictures(sweep.client, sweep.parent, {"pictures/a": path, "pictures/a b": path})
    replace_pictures(sweep.client, sweep.parent, {"pictures/a": path})
    assert sweep.pictures() == ["images/pictures~a", "images/pictures~a b"]
    (name,) = [
        file.path
        for file in sweep.client.list_artifacts(sweep.parent, "images")
        if file.path.startswith("images/pictures~a+") and file.path.endswith(".png")
    ]
    shown = Path(sweep.client.download_artifacts(sweep.parent, name))
    assert Image.open(shown).getpixel((0, 0)) == (0, 128, 0)
    assert shown.read_bytes() == path.read_bytes(), "it is not compressed again"


def test_each_of_many_pictures_has_its_file_and_a_small_one(sweep: Sweep) -> None:
    path = sweep.results / "a.png"
    Image.new("RGB", (640, 480), "green").save(path)
    log_pictures(sweep.client, sweep.parent, {f"pictures/{letter}": path for letter in "abcdefgh"})
    assert sweep.pictures() == [f"images/pictures~{letter}" for letter in "abcdefgh"]
    found = [file.path for file in sweep.client.list_artifacts(sweep.parent, "images")]
    small = [name for name in found if name.endswith("+compressed.webp")]
    assert len(small) == 8
    with Image.open(sweep.client.download_artifacts(sweep.parent, small[0])) as image:
        assert image.size == (256, 192)
        assert image.convert("RGB").getpixel((9, 9)) == pytest.approx((0, 128, 0), abs=3)
    tags = sweep.client.get_run(sweep.parent).data.tags
    assert tags["mlflow.loggedImages"] == "True"


def test_the_parameters_of_a_sweep_that_goes_on_stay(sweep: Sweep) -> None:
    again = SweepInfo("s", "k", {"model": "other", "prompts": "single"}, [("clips", "digest")])
    assert sweep.open(again) == sweep.parent
    run = sweep.client.get_run(sweep.parent)
    assert run.data.params == {"model": "tiny", "prompts": "single"}
    assert run.inputs is not None
    assert [one.dataset.name for one in run.inputs.dataset_inputs] == ["clips"]


def test_the_note_links_the_cells_below_the_report(sweep: Sweep) -> None:
    sweep.close(SweepSummary(note="# A report"))
    note = sweep.client.get_run(sweep.parent).data.tags["mlflow.note.content"]
    assert note.startswith("# A report\n")
    for number in range(2):
        run = sweep.children()[f"{number:032x}"]
        assert f"- [cell ({number})](#/experiments/1/runs/{run})" in note


@pytest.mark.slow
def test_a_long_note_of_many_cells_fits_into_a_tag(tmp_path: Path) -> None:
    sweep = Sweep(tmp_path, cells=80)
    sweep.close(SweepSummary(note="# A report\n" + "a line\n" * 2000))
    note = sweep.client.get_run(sweep.parent).data.tags["mlflow.note.content"]
    assert len(note) <= 8000
    links = note.count("](#/experiments/1/runs/")
    assert 40 < links < 80
    assert note.endswith(f"- and {80 - links} more, in the list of runs")
    assert "the rest is in the artifact report.md" in note
