"""Swaps with published inpainted frames and lists of pairs, in the layout of HAT."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.engine.clips import open_masked
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.swap import SwapMask
from clip_har.regions.annotation import AnnotationRegion
from tests.planted import ACTORS, SCENES, SIDE, open_planted, planted_clips
from tests.regions.made import no_model

INPAINTED = [tuple(255 - value for value in scene) for scene in SCENES]
"""Colours that only the inpainted frames have: who sees them sees these frames."""


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    """Planted clips in class folders, without maps of their own; nobody is in clip 2."""
    folder = tmp_path_factory.mktemp("planted")
    made = planted_clips(folder, per_class=2, without_actor=(2,))
    moved = []
    for clip in made.clips:
        path = folder / "videos" / made.class_names[clip.label] / clip.path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        clip.path.rename(path)
        assert clip.maps is not None
        labels = np.load(clip.maps)["labels"]
        write(folder / "seg" / made.class_names[clip.label] / path.stem, labels * 255, "png")
        colour = np.full((8, 2 * SIDE, 2 * SIDE, 3), INPAINTED[clip.label], np.uint8)
        colour[:, :, SIDE:] //= 2  # left and right differ
        write(folder / "inp" / made.class_names[clip.label] / path.stem, colour, "jpg")
        moved.append(replace(clip, id=f"{path.parent.name}/{path.name}", path=path, maps=None))
    return replace(made, clips=tuple(moved))


def write(folder: Path, pictures: Any, extension: str) -> None:
    folder.mkdir(parents=True)
    for number, picture in enumerate(pictures, 1):
        Image.fromarray(picture).save(folder / f"{number:06}.{extension}", quality=95)


def home(clips: ClipSet) -> Path:
    return clips.clips[0].path.parents[2]


def opened(clips: ClipSet, cache: Path, **settings: Any) -> MaskedClips:
    cell: Any = SimpleNamespace(
        masking=SwapMask(**settings),
        region=AnnotationRegion(maps=home(clips) / "seg"),
        model=SimpleNamespace(patch_size=lambda: 16),
        cache_dir=cache,
        finds_regions=True,
        seed=0,
    )
    return open_masked(cell, open_planted(clips, cache), zero_shot=no_model)


def test_the_inpainted_frames_are_the_background(clips: ClipSet, tmp_path: Path) -> None:
    masked = opened(clips, tmp_path, backgrounds=home(clips) / "inp")
    assert masked.evaluated == [0, 1, 3, 4, 5, 6, 7, 8, 9]
    assert masked.scenes == list(range(10)), "an inpainted frame needs no subject"
    for index, scene in masked.scene_clips.items():
        label, other = clips.clips[index].label, clips.clips[scene].label
        assert label != other
        pixels = masked.clip(index).frames.permute(0, 2, 3, 1).numpy().astype(int)
        assert masked.subject is not None
        actor = masked.subject.soft_mask(index) >= 0.5
        np.testing.assert_array_equal(pixels[actor], np.broadcast_to(ACTORS[label], (8 * 288, 3)))
        left = np.arange(SIDE) < SIDE // 2 - 3
        for side, shade in ((left, 1), (left[::-1], 2)):
            seen = pixels[~actor & side[None, None]]
            assert np.abs(seen - np.array(INPAINTED[other]) // shade).max() <= 4  # JPEG


def test_a_clip_without_inpainted_frames_is_no_scene(
    clips: ClipSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "inp"
    for index in (2, 5):
        name = clips.clips[index].id.removesuffix(".mkv")
        (folder / name).parent.mkdir(parents=True)
        (folder / name).symlink_to(home(clips) / "inp" / name)
    masked = opened(clips, tmp_path, backgrounds=folder)
    assert masked.scenes == [2, 5]
    assert set(masked.scene_clips.values()) == {2, 5}
    assert "no frames of 8 of 9 clips: they are not used as scenes" in caplog.text


def test_a_list_names_the_scenes(clips: ClipSet, tmp_path: Path) -> None:
    names = [clip.id.removesuffix(".mkv") for clip in clips.clips]
    rows = [f"{name},{names[(n + 2) % 10]}" for n, name in enumerate(names)]
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("\n".join(["clip,scene", *rows]))
    masked = opened(clips, tmp_path, backgrounds=home(clips) / "inp", pairs=pairs)
    assert masked.scene_clips == {n: (n + 2) % 10 for n in masked.evaluated}
    message = r"1 of 9 clips \(climbing/0.mkv before rowing/2\) have a scene that cannot be shown"
    with pytest.raises(ClipHarError, match=message):
        opened(clips, tmp_path, pairs=pairs)  # nobody is found in clip 2, and it is not inpainted


def test_what_is_read_is_the_identity(clips: ClipSet, tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.csv"
    found = {SwapMask().identity(clips)}
    for rows in ("a,b", "a,c"):
        pairs.write_text(f"clip,scene\n{rows}\n")
        found.add(SwapMask(pairs=pairs).identity(clips))
        found.add(SwapMask(pairs=pairs, backgrounds=home(clips) / "inp").identity(clips))
    assert len(found) == 5
    copy = tmp_path / "copy.csv"
    copy.write_bytes(pairs.read_bytes())
    assert SwapMask(pairs=copy).identity(clips) in found


def test_folders_that_do_not_fit(clips: ClipSet, tmp_path: Path) -> None:
    with pytest.raises(ClipHarError, match=r"set masking.backgrounds=<the folder>"):
        SwapMask(backgrounds=tmp_path / "none").identity(clips)
    with pytest.raises(ClipHarError, match="none of the 10 clips of planted is found in"):
        SwapMask(backgrounds=tmp_path).identity(clips)
    frame = np.zeros((6, 5, 3), np.uint8)
    faults = {
        "expected 8 pictures": [frame] * 16,
        "another size with that aspect ratio, got 5x6": [frame] * 8,
    }
    for number, (message, pictures) in enumerate(faults.items()):
        folder = tmp_path / str(number)
        for clip in clips.clips:
            write(folder / clip.id.removesuffix(".mkv"), pictures, "jpg")
        masked = opened(clips, tmp_path, backgrounds=folder)
        with pytest.raises(ClipHarError, match=message):
            _ = masked.clip(0).paint
    (folder / "rowing" / "2" / "000001.jpg").write_bytes(b"no picture")
    pairs = tmp_path / "pairs.csv"
    rows = [f"{clip.id},{'rowing/2' if clip.label != 2 else 'waving/4'}" for clip in clips.clips]
    pairs.write_text("\n".join(["clip,scene", *rows]))
    masked = opened(clips, tmp_path, backgrounds=folder, pairs=pairs)
    with pytest.raises(ClipHarError, match="is not a picture that can be read"):
        _ = masked.clip(0).paint
