"""What the page shows is what a run of the cell finds."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from clip_har.config.compose import cell_from_config, clean_config
from clip_har.config.fingerprint import fingerprint
from clip_har.config.one_cell import composed
from clip_har.core.addresses import with_login
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.engine.evaluate import Evaluation, evaluate
from clip_har.engine.job import command
from clip_har.explore.answer import Explorer, Upload
from clip_har.explore.what_if import View
from tests.data.made import write_video
from tests.explore.conftest import EMPTY
from tests.planted import CLASSES

CLIP = "rowing/7.mkv"

OWN = {"region": "auto"}  # an own video has no maps

CELLS = [
    ({"masking": "none"}, {}),
    ({"masking": "percent", "noise": "gaussian"}, {"ratio": 0.5, "masking.patch": 8, "seed": 3}),
    ({"masking": "shape", "noise": "salt_pepper"}, {"masking.place": "random", "fill": "noise"}),
    ({"masking": "feature", "noise": "uniform"}, {"noise.where": "before"}),
    ({"masking": "swap"}, {}),
    ({"masking": "swap_frozen"}, {"seed": 5}),
]


def run(words: tuple[str, ...], *, clean: bool = False) -> Evaluation:
    """Evaluate the whole cell that the printed command names."""
    config, _ = composed(shlex.split(command(words))[3:])
    cell = cell_from_config(clean_config(config) if clean else config)
    return evaluate(cell, clips_of(cell.dataset, cell.limit))


def assert_same(view: View, found: Evaluation, clip: str) -> None:
    row = found.table.clip_ids.index(clip)
    np.testing.assert_allclose(view.table.scores[0], found.table.scores[row], rtol=1e-5, atol=1e-5)
    assert view.predicted == found.table.predictions()[row]
    for name in ("mask_ratio", "subject_hidden", "noise_rms", "scene_labels"):
        mine, theirs = getattr(view.table, name)[0], getattr(found.table, name)[row]
        np.testing.assert_array_equal(mine, theirs, err_msg=name)


@pytest.mark.parametrize(("chosen", "values"), CELLS)
def test_scores_are_those_of_a_run_of_the_command(explorer, chosen, values):
    words = explorer.words_for(chosen, values)
    answer = explorer.answer(words, CLIP)
    assert_same(answer.after, run(words), CLIP)
    assert_same(answer.before, run(words, clean=True), CLIP)
    assert answer.class_names[answer.label] == "rowing"
    assert answer.after.attribution.shape[0] == len(answer.after.frames) == 4


def test_the_mask_is_on_the_frames_that_are_shown(explorer):
    words = explorer.words_for({"masking": "shape"}, {"ratio": 0.25})
    answer = explorer.answer(words, CLIP)
    changed = (answer.before.frames != answer.after.frames).any(axis=1)  # (T, S, S)
    assert changed.mean() == pytest.approx(0.25, abs=0.01)
    assert (answer.after.frames[:, :, 32, 32] == 0).all()


def test_the_command_names_the_same_cell(explorer):
    words = explorer.words_for({"masking": "isolation"}, {"fill": "#808080", "masking.hole": "box"})
    cells = [
        cell_from_config(composed(typed)[0]) for typed in (words, shlex.split(command(words))[3:])
    ]
    keys = {fingerprint(cell, clips_of(cell.dataset, cell.limit)) for cell in cells}
    assert len(keys) == 1


def test_a_target_that_is_not_there_is_said_in_one_line(explorer):
    words = explorer.words_for({"masking": "feature"}, {})
    with pytest.raises(ClipHarError, match="no subject was found"):
        explorer.answer(words, EMPTY)
    with pytest.raises(ClipHarError, match="is left out: no subject"):
        explorer.answer(explorer.words_for({"masking": "swap"}, {}), EMPTY)


def test_an_impossible_setting_is_said_in_one_line(explorer):
    words = explorer.words_for({"masking": "shape"}, {"masking.count": 3})
    with pytest.raises(ClipHarError, match=r"masking\.place=random"):
        explorer.answer(words, CLIP)
    with pytest.raises(ClipHarError, match="fill=grellow"):
        explorer.answer(explorer.words_for({"masking": "shape"}, {"fill": "grellow"}), CLIP)


def test_an_own_video_is_shown_again_by_its_command(explorer, tmp_path):
    video = write_video(tmp_path / "my holiday (1).mp4", 20)
    words = explorer.words_for(
        OWN | {"masking": "percent"}, {"ratio": 0.5}, Upload(video, label="juggling")
    )
    answer = explorer.answer(words)
    assert answer.class_names == CLASSES
    assert answer.class_names[answer.label] == "juggling"
    video.unlink()
    assert_same(answer.after, run(words), answer.clip_id)


@pytest.mark.parametrize(
    "upload",
    [
        Upload(Path("a.mp4"), "running, ${oc.env:SECRET}"),
        Upload(Path("a.mp4"), label="${oc.env:SECRET}"),
    ],
)
def test_names_of_an_own_video_are_not_resolved(explorer, upload):
    with pytest.raises(ClipHarError, match=r"must not contain \$"):
        explorer.words_for({}, {}, upload)


def test_logins_of_addresses_are_neither_in_the_command_nor_in_errors(words, monkeypatch):
    monkeypatch.setenv("CLIP_HAR_LOGINS", "{}")
    given = [*words, "tracking=mlflow", "tracking.uri=http://me:pw@server:5000"]
    explorer = Explorer(given)
    assert explorer.words[-1] == "tracking.uri=http://server:5000"
    assert "pw@" not in command(explorer.words_for({"masking": "shape"}, {"ratio": 0.5}))
    assert explorer.offer().words == explorer.words
    assert with_login("http://server:5000") == "http://me:pw@server:5000", "it can still be used"
    with pytest.raises(ClipHarError, match="one value for each key") as caught:
        Explorer([*given, "ratio=0.1,0.3"])
    assert "pw@" not in str(caught.value)


def test_own_classes_are_asked_about(explorer, tmp_path):
    video = write_video(tmp_path / "clip.avi", 9)
    upload = Upload(video, "surfing, climbing a tree, 3")
    words = explorer.words_for(OWN, {}, upload)
    answer = explorer.answer(words, knows_label=False)
    assert answer.class_names == ("surfing", "climbing a tree", "3")
    assert answer.label is None
    assert answer.after.probabilities.sum() == pytest.approx(1)


def test_a_label_that_is_not_known_is_not_used(explorer, tmp_path):
    video = write_video(tmp_path / "clip.avi", 9)
    chosen = {"masking": "feature", "region": "relevance"}
    words = explorer.words_for(chosen, {"region.attribution": "label"}, Upload(video))
    with pytest.raises(ClipHarError, match="choose the true class"):
        explorer.answer(words, knows_label=False)
    explorer.answer(words)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("notes.txt", b"words", "expected a video"),
        ("broken.mp4", b"no video", "broken.mp4 cannot be decoded: "),
        ("empty.avi", b"", "empty.avi cannot be decoded: "),
        ("broken.jpg", b"no image", "broken.jpg cannot be decoded: not an image"),
        ("broken.zip", b"PK", "broken.zip cannot be decoded: not a zip"),
    ],
)
def test_a_bad_upload_is_said_in_one_line(explorer, tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ClipHarError, match=message) as caught:
        explorer.answer(explorer.words_for(OWN, {}, Upload(path)), knows_label=False)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "message"), [("running", "at least two"), ("a, b, a", "a stands there more than once")]
)
def test_own_classes_must_be_several_names(explorer, tmp_path, line, message):
    video = write_video(tmp_path / "clip.avi", 4)
    with pytest.raises(ClipHarError, match=message):
        explorer.words_for({}, {}, Upload(video, line))


@pytest.mark.slow
def test_learned_noise_is_shown_when_it_has_been_learned(words: tuple[str, ...], tmp_path: Path):
    steps = ("learning.steps=2", "learning.batch=8", "learning.validate_every=1")
    explorer = Explorer([*words, *steps, f"cache_dir={tmp_path}"])
    for chosen in ({"noise": "universal"}, {"noise": "class_specific"}):
        learned = explorer.words_for(chosen, {"noise.epsilon": 32})
        with pytest.raises(ClipHarError, match="run the cell's command once"):
            explorer.answer(learned, CLIP)
        found = run(learned)
        answer = explorer.answer(learned, CLIP)
        assert_same(answer.after, found, CLIP)
        assert (answer.after.frames != answer.before.frames).any()
