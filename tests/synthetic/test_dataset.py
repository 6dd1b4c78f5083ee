"""The rendered set as a data set: rendered once, whole, with subjects as groups."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.frames.store import FrameStore
from clip_har.data.parts import check_apart
from clip_har.data.sampling import FrameSettings
from clip_har.synthetic.dataset import Synthetic
from tests.damage import DAMAGES


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Synthetic:
    return Synthetic(cache_dir=tmp_path_factory.mktemp("rendered"), count=20, workers=1)


def test_twenty_classes_in_order_with_subjects_as_groups(rendered: Synthetic) -> None:
    clips = rendered.clips()
    assert len(clips.class_names) == 20
    assert np.bincount(clips.labels).tolist() == [1] * 20
    assert all(clip.group.startswith("test-") for clip in clips.clips)
    assert clips.name == "synthetic/test/bias0.9"


def test_subjects_that_noise_is_learned_from_are_not_evaluated(rendered: Synthetic) -> None:
    source = rendered.model_copy(update={"train_count": 4, "train_seed": rendered.seed})
    training, evaluated = source.training().clips(), source.clips()
    check_apart(training, evaluated, what="noise")
    assert set(training.groups).isdisjoint(evaluated.groups)
    again = source.model_copy(update={"subset": "train", "count": 4})
    with pytest.raises(ClipHarError, match="also evaluated, such as train-"):
        check_apart(training, again.clips(), what="noise")


def test_a_second_look_renders_nothing(rendered, monkeypatch):
    digest = rendered.clips().digest
    monkeypatch.setattr(Synthetic, "_render", lambda *_: pytest.fail("rendered again"))
    assert rendered.clips().digest == digest


def test_every_clip_decodes(rendered: Synthetic, tmp_path: Path) -> None:
    store = FrameStore.open(
        rendered.clips(), FrameSettings(count=4, size=112), cache_dir=tmp_path, progress=False
    )
    assert not store.failures
    assert store.lengths.tolist() == [4] * 20


@pytest.mark.parametrize(
    "change",
    [{"scene_bias": 0.05}, {"seed": 1}, {"subset": "train"}, {"variant": "person"}, {"count": 21},
     {"subjects": 16}, {"subjects": 32}],
)  # fmt: skip
def test_what_changes_the_clips_changes_the_folder(rendered: Synthetic, change) -> None:
    assert rendered.model_copy(update=change).folder() != rendered.folder()


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({}, "test-ad292b1da8a1ce52be71ed3fa2443282"),
        ({"subjects": None, "workers": 3}, "test-ad292b1da8a1ce52be71ed3fa2443282"),
        ({"subset": "train", "count": 1000, "seed": 1}, "train-9c044dce698ebbef908aaede04530e09"),
        ({"subset": "val", "scene_bias": 0.05}, "val-903da160570364e3c36ceac457396067"),
        ({"variant": "person"}, "test-750a62b8be27e745274407689dd022b3"),
    ],
)
def test_sets_that_are_rendered_already_are_found(monkeypatch, settings, key) -> None:
    monkeypatch.setattr("clip_har.core.cache.code_of", lambda *_: "code")
    assert Synthetic(cache_dir=Path("/x"), **settings).folder().name == key


def test_as_many_subjects_as_asked_for(tmp_path: Path) -> None:
    source = Synthetic(cache_dir=tmp_path, count=60, subjects=3, workers=1)
    assert sorted(set(source.clips().groups)) == ["test-000", "test-001", "test-002"]
    assert source.training().subjects is None, "noise is learned from the same people as before"


def test_what_does_not_keeps_it(rendered: Synthetic) -> None:
    assert rendered.model_copy(update={"workers": 2}).folder() == rendered.folder()


def test_a_half_rendered_set_is_rendered_again(tmp_path: Path) -> None:
    half = Synthetic(cache_dir=tmp_path, count=1, workers=1)
    (half.folder() / "videos").mkdir(parents=True)
    assert len(half.clips().clips) == 1


def test_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(
        ClipHarError, match=r"rendered clips cannot be kept in .*set another dataset\.cache_dir"
    ):
        Synthetic(cache_dir=tmp_path / "file" / "rendered", count=1).clips()


def test_a_users_script_renders_in_processes_that_do_not_run_it_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from pathlib import Path\n"
        "from clip_har.synthetic.dataset import Synthetic\n"
        "print(len(Synthetic(cache_dir=Path('cache'), count=3, workers=2).clips().clips))\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stdout) == (0, "3\n"), done.stderr


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["*.mp4", "*.npz", "clips.csv", "manifest.json"])
def test_a_damaged_file_is_rendered_again(
    rendered: Synthetic, damage, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    folder = rendered.folder()
    rendered.clips()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("*.mp4")}
    damage(max(folder.rglob(name)))
    assert len(rendered.clips().clips) == 20
    assert len([line for line in caplog.messages if "damaged" in line]) == 1, "one line says so"
    assert {path: path.read_bytes() for path in before} == before
    assert {path: path.stat().st_mtime_ns for path in times} == times, "frames stay valid"


def test_a_processor_that_renders_other_bytes_renders_all_again(
    rendered: Synthetic, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = sorted(rendered.folder().rglob("*.mp4"))[:2]
    whole = first.read_bytes(), second.read_bytes()
    first.write_bytes(b"")
    fill = Synthetic._fill

    def other(self: Synthetic, folder: Path, *, only=None) -> None:
        fill(self, folder, only=only)
        if only is not None:
            for path in folder.rglob("*.mp4"):
                path.write_bytes(path.read_bytes() + b"other")

    monkeypatch.setattr(Synthetic, "_fill", other)
    rendered.clips()
    assert (first.read_bytes(), second.read_bytes()) == whole
