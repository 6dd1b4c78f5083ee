"""The answers for windows of a video are those of a run on the same sections."""

from pathlib import Path

import numpy as np
import pytest

from clip_har.config.compose import cell_from_config
from clip_har.config.one_cell import composed
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import clips_of
from clip_har.data.decode.containers import DecodeError
from clip_har.engine.clips import find_masked
from clip_har.engine.evaluate import evaluate
from clip_har.models.zero_shot import of_frames
from clip_har.noise.learned.fitted import NOISE_FILE, FittedNoise
from clip_har.noise.learned.learning import History
from clip_har.noise.learned.settings import UniversalNoise
from clip_har.noise.learned.start import make_perturbation
from clip_har.predict import predictor as module
from clip_har.predict.predictor import LeftOutError, Predictor
from clip_har.results.score_table import ScoreTable
from tests.checkpoints import write_xclip
from tests.data.made import write_images, write_video
from tests.planted import planted_frames
from tests.predict.conftest import RATE

MASKED = ("masking=percent", "ratio=0.3", "masking.patch=8", "noise=gaussian", "seed=3")


def run(words: tuple[str, ...], video: Path, classes: tuple[str, ...], rows: str) -> ScoreTable:
    """Evaluate sections of a video as clips of a table."""
    table = video.with_name(f"clips_{rows.count(',yes')}.csv")
    others = "".join(f"-,{number},{name},,,no\n" for number, name in enumerate(classes))
    table.write_text(f"path,label,class_name,start,end,split\n{rows}{others}")
    data = ("dataset=manifest", f"dataset.path={table}", "dataset.subset=yes")
    cell = cell_from_config(composed([*words, *data, "attention_clips=0"])[0])
    return evaluate(cell, clips_of(cell.dataset)).table


@pytest.mark.parametrize("settings", [(), MASKED])
def test_windows_have_the_probabilities_of_a_run(words, video, classes, settings):
    ends = [(0, 2), (2, 4), (4, 6), (6, "")]
    rows = "".join(f"day.mkv,0,{classes[0]},{a or ''},{b},yes\n" for a, b in ends)
    expected = run((*words, *settings), video, classes, rows).probabilities()
    found = Predictor([*words, *settings], classes).predict(video)
    assert found.edges == [0, 2, 4, 6, 8]
    assert found.class_names == classes
    assert found.frames == 8 * RATE
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    assert np.ptp(found.probabilities, axis=0).max() > 1e-3  # else nothing is compared


def test_one_window_has_the_probabilities_of_a_run(words, video, classes):
    settings = (*words, *MASKED)
    expected = run(settings, video, classes, f"day.mkv,0,{classes[0]},,,yes\n").probabilities()
    found = Predictor(settings, classes, every=np.inf).predict(video)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-6)
    assert found.edges == [0, 8]


def test_a_long_video_is_shown_part_by_part(monkeypatch, words, video, classes):
    predictor = Predictor([*words, *MASKED], classes, every=0.5)
    whole = predictor.predict(video)
    sizes = []

    def counted(cell, frames, **more):
        sizes.append(len(frames.entries))
        return find_masked(cell, frames, **more)

    monkeypatch.setattr(module, "_AT_ONCE", 20)
    monkeypatch.setattr(module, "find_masked", counted)
    found = predictor.predict(video)
    assert sizes == [5, 5, 5, 1]
    np.testing.assert_allclose(found.probabilities, whole.probabilities, atol=1e-6)


def test_tiles_are_frames_as_the_model_saw_them(words, video, classes):
    found = Predictor([*words, "masking=shape", "ratio=0.25"], classes).predict(video, tiles=4)
    assert [tile.time for tile in found.tiles] == [1, 3, 5, 7]
    pictures = [tile.picture for tile in found.tiles if tile.picture is not None]
    assert len({tuple(picture[0, 0].tolist()) for picture in pictures}) == 4  # one of each scene
    assert all((picture[32, 32] == 0).all() for picture in pictures)
    few = Predictor(words, classes, every=np.inf).predict(video, tiles=8)
    assert len(few.tiles) == 4  # no frame twice


@pytest.mark.parametrize(
    "settings", ["frames.order=reversed", "frames.order=shuffled", "frames.crops=3"]
)
def test_a_tile_is_of_its_time_in_whatever_order_frames_are_shown(
    tmp_path, words, classes, settings
):
    video = write_video(tmp_path / "wide.mkv", 32, codec="ffv1", pix_fmt="bgr0", rate=RATE)

    def pictures(*more):
        found = Predictor([*words, *more], classes, every=np.inf).predict(video, tiles=4)
        return [tile.picture for tile in found.tiles]

    expected = pictures()
    assert len({picture.tobytes() for picture in expected}) == 4
    np.testing.assert_array_equal(pictures(settings), expected)


def test_a_tile_is_of_its_time_where_frames_are_not_evenly_in_time():
    times = [0.0, 0.1, 0.2, 0.3, 2.0, 2.1, 3.5]
    places = module._places([0.0, 2.0, 4.0], times, 4)
    assert [(one.window, one.frame) for one in places] == [(0, 3), (0, 3), (1, 1), (1, 2)]


def test_windows_without_the_target_are_left_out(tmp_path, words, classes):
    rng = np.random.default_rng(0)
    scene = rng.integers(0, 255, (96, 96, 3)).astype(np.uint8)
    moving = []
    for place in range(8):
        frame = scene.copy()
        frame[30:60, 5 + 8 * place : 25 + 8 * place] = 255
        moving.append(frame)
    path = write_video(
        tmp_path / "a.mkv", [*moving, *[scene] * 8], codec="ffv1", pix_fmt="bgr0", rate=RATE
    )
    settings = (*words, "masking=feature", "region=motion", "ratio=null")
    found = Predictor(settings, classes).predict(path, tiles=2)
    assert found.shown.tolist() == [True, False]
    assert found.frames_seen == [4, 0]
    assert found.winners[1] is None
    assert found.notes == ("1 of 2 windows are left out: no subject was found in them",)
    assert [tile.picture is None for tile in found.tiles] == [False, True]
    still = write_video(tmp_path / "b.mkv", [scene] * 8, codec="ffv1", pix_fmt="bgr0", rate=RATE)
    with pytest.raises(LeftOutError, match="no subject was found"):
        Predictor(settings, classes).predict(still)


def test_noise_that_a_run_learned_is_added(tmp_path, words, video, classes):
    predictor, path = Predictor(words, classes), tmp_path / NOISE_FILE
    clean = predictor.predict(video, tiles=2)
    model, noise = of_frames(predictor.classifier), UniversalNoise()
    start = make_perturbation(
        noise, model=model.model, class_embeddings=model.class_embeddings, frames=4
    )
    parts = {name: part.sign() * noise.epsilon for name, part in start.parts.items()}
    card = {"kind": "UniversalNoise", "class_names": classes, "clips": [], "groups": []}
    learned = FittedNoise(start.with_parts(parts), History(), card | {"noise": noise.model_dump()})
    learned.save(path)
    settings = [*words, "noise=universal", f"noise.file={path}"]
    found = Predictor(settings, classes).predict(video, tiles=2)
    assert np.abs(found.probabilities - clean.probabilities).max() > 1e-4
    for tile, without in zip(found.tiles, clean.tiles, strict=True):
        assert tile.picture is not None
        assert without.picture is not None
        change = np.abs(tile.picture.astype(int) - without.picture)
        assert noise.epsilon - 1 <= change.max() <= noise.epsilon + 1
    with pytest.raises(ClipHarError, match="expected noise for the 2 classes"):
        Predictor(settings, classes[:2]).predict(video)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["masking=swap"], "background of a clip of another class"),
        (["masking=feature", "region=annotation"], "region=subject"),
        (["masking=feature", "region=none"], "region=none"),
        (["noise=universal"], "noise.file="),
        (["noise=class_specific", "noise.protocol=oracle", "noise.file=a"], "the true class"),
        (["noise=nested", "noise.file=a"], "expected stacks.safetensors beside it"),
        (["masking=feature", "region=motion", "region.wrong=a.csv"], "region.wrong=a.csv marks"),
        (["limit=3"], "limit=3 chooses clips"),
        (["shard=1/2"], "shard=1/2 chooses clips"),
        (["masking=percent", "ratio=0.1,0.3"], "one value for each key"),
        (["model.checkpoint=/nowhere"], "/nowhere"),
        (["prompts=file", "prompts.file=/nowhere"], "/nowhere"),
        (["frames.size=32"], "frames.size=32"),
    ],
)
def test_what_own_videos_do_not_have_is_refused(words, classes, settings, message):
    with pytest.raises(ClipHarError, match=message) as caught:
        Predictor([*words, *settings], classes)
    assert "\n" not in str(caught.value)


def test_without_names_the_classes_are_those_of_the_data_set(tmp_path, words, video):
    for name in ("rowing", "surfing"):
        write_video(tmp_path / name / "a.mp4", 4)
    predictor = Predictor([*words, "dataset=folder", f"dataset.root={tmp_path}"])
    assert predictor.class_names == ("rowing", "surfing")
    assert predictor.predict(video).mean.sum() == pytest.approx(1)


def test_a_model_of_whole_clips_gets_its_own_number_of_frames(tmp_path, words, video, classes):
    folder = write_xclip(tmp_path / "xclip", frames=2)
    own = [word for word in words if not word.startswith(("model", "frames"))]
    model = [*own, "model=xclip", f"model.checkpoint={folder}"]
    assert Predictor(model, classes).predict(video).frames_seen == [2] * 4
    with pytest.raises(ClipHarError, match="the model takes 2 frames"):
        Predictor([*model, "frames.count=8"], classes)


def test_nothing_of_a_video_stays_on_the_disk(tmp_path, words, video, classes):
    settings = [*words, "masking=feature", "region=motion", f"cache_dir={tmp_path / 'cache'}"]
    Predictor([*settings, "region.on_empty=whole"], classes, every=np.inf).predict(video, tiles=2)
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["classifiers"]
    assert not Path(words[-1].partition("=")[2]).exists()  # results_dir


@pytest.mark.parametrize(
    ("name", "reason"), [("none.mp4", "does not exist"), (".", "a folder without videos")]
)
def test_a_video_that_cannot_be_read_has_its_reason(tmp_path, words, classes, name, reason):
    with pytest.raises(DecodeError, match=reason):
        Predictor(words, classes).predict(tmp_path / name)


def test_a_time_without_a_new_frame_is_said(tmp_path, words, classes):
    """A camera that stops: the window before the gap is as long as the gap."""
    stamps = [*range(0, 1000, 250), *range(10_000, 10_500, 250)]
    path = write_video(tmp_path / "gap.mkv", len(stamps), codec="ffv1", pix_fmt="bgr0",
                       stamps=stamps)  # fmt: skip
    found = Predictor(words, classes, every=2).predict(path)
    assert found.notes == ("no new frame from 0:00 to 0:10: windows there are longer",)
    assert Predictor(words, classes, every=20).predict(path).notes == ()


def test_the_tiny_model_says_what_it_does_not_know():
    predictor = Predictor(["masking=percent", "ratio=0.3"], ("walking", "falling", "surfing"))
    (said,) = predictor.cautions
    assert "the tiny one" in said
    assert said.endswith("it was not trained on 1 of these classes")
    assert predictor.description == "tiny, mask: percent 16 px 30 %"


def test_images_are_shown_as_their_video_is(tmp_path, words, classes, video):
    pictures = [
        planted_frames(number // 8, number // 8, seed=number // 8)[0][number % 8]
        for number in range(32)
    ]
    folder = write_images(tmp_path / "day", pictures)
    expected = Predictor(words, classes).predict(video)
    found = Predictor(words, classes, fps=RATE).predict(folder)
    np.testing.assert_array_equal(found.probabilities, expected.probabilities)
    assert (found.edges, found.frames, found.fps) == (expected.edges, 32, RATE)


def test_images_without_a_rate_are_one_window(tmp_path, words, classes):
    folder = write_images(tmp_path / "day", 6)
    predictor = Predictor(words, classes)
    found = predictor.predict(folder, tiles=2)
    assert found.probabilities.shape == (1, len(classes))
    assert np.isnan(found.edges[-1])
    assert "--fps" in found.notes[0]
    assert all(tile.picture is not None for tile in found.tiles)
    one = predictor.predict(folder / "000001.png")
    assert (one.frames, one.notes) == (1, ())
    with pytest.raises(DecodeError, match="a folder without videos and images"):
        predictor.predict(tmp_path)
