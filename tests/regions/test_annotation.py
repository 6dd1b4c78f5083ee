"""The annotation source against planted maps, masks and boxes."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.frames.store import ClipFrames, FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources import tables
from clip_har.data.sources.ucf101 import UCF101
from clip_har.regions import boxes as boxes_module
from clip_har.regions.annotation import AnnotationRegion
from clip_har.regions.source import INSIDE, is_found
from tests.planted import open_planted, planted_clips
from tests.regions.made import no_model, soft_masks

STEM = "v_Biking_g01_c01"
THINGS = {"background": 0, "person": 1, "subject": 1, "object": 2}


def shown(
    maps: Path | None = None,
    *,
    size: int = 16,
    indices: tuple[int, ...] = (0, 2),
    fit: str = "crop",
    name: str = STEM,
) -> ClipFrames:
    pixels = np.zeros((len(indices), 3, size, size), np.uint8)
    clip = Clip(id=name, path=Path("Biking", f"{name}.avi"), label=0, group="g", maps=maps)
    return ClipFrames(
        clip=clip, pixels=pixels, indices=indices, height=size, width=size, fit=cast(Any, fit)
    )


def located(source: AnnotationRegion, target: str, *clips: ClipFrames) -> list[NDArray[np.float32]]:
    return soft_masks(source.locator(no_model))(clips, target)


def a_set(*clips: Clip) -> ClipSet:
    return ClipSet("toy", ("Biking",), clips, licence="none", citation="")


@pytest.fixture
def labels() -> NDArray[np.uint8]:
    maps = np.zeros((4, 16, 16), np.uint8)
    for frame in range(4):
        maps[frame, 4:12, frame : frame + 4] = 1
    maps[:, 0, :3] = 2
    return maps


@pytest.fixture
def file(labels: NDArray[np.uint8], tmp_path: Path) -> Path:
    np.savez_compressed(tmp_path / "clip.npz", labels=labels)
    return tmp_path / "clip.npz"


@pytest.mark.parametrize("target", THINGS)
def test_the_maps_that_came_with_the_data(file: Path, labels, target) -> None:
    (found,) = located(AnnotationRegion(), target, shown(file))
    np.testing.assert_array_equal(found, labels[[0, 2]] == THINGS[target])
    assert found.dtype == np.float32


def test_maps_follow_the_frames_to_another_size(file: Path, labels) -> None:
    (found,) = located(AnnotationRegion(), "person", shown(file, size=48))
    assert found.shape == (2, 48, 48)
    whole = (labels[[0, 2]] == 1).repeat(3, axis=1).repeat(3, axis=2)
    assert np.abs(found - whole).mean() < 0.03
    assert found[whole].mean() > 0.85


def test_a_clip_without_maps_is_one_where_nothing_is_found(file: Path) -> None:
    for target in THINGS:
        found, none = located(AnnotationRegion(), target, shown(file), shown(None))
        assert is_found(found)
        assert none.shape == (2, 16, 16)
        assert not none.any()


def test_a_frame_without_a_person_is_all_background(labels, tmp_path) -> None:
    labels[0] = 0
    np.savez(tmp_path / "clip.npz", labels=labels)
    (found,) = located(AnnotationRegion(), "background", shown(tmp_path / "clip.npz"))
    assert found[0].all()
    labels[:] = 0
    np.savez(tmp_path / "clip.npz", labels=labels)
    (found,) = located(AnnotationRegion(), "background", shown(tmp_path / "clip.npz"))
    assert found.all()  # the maps say so


def test_a_folder_of_masks(labels, tmp_path) -> None:
    (tmp_path / "Biking").mkdir()
    np.savez(tmp_path / "Biking" / f"{STEM}.npz", masks=labels == 1)
    source = AnnotationRegion(maps=tmp_path)
    found, none = located(source, "subject", shown(), shown(name="v_Biking_g02_c02"))
    np.testing.assert_array_equal(found, labels[[0, 2]] == 1)
    assert not none.any()
    (found,) = located(source, "background", shown())
    np.testing.assert_array_equal(found, labels[[0, 2]] != 1)
    with pytest.raises(ClipHarError, match=f"feature=object: the masks of {STEM} are of the perso"):
        located(source, "object", shown())


def test_the_folder_goes_before_the_maps_of_the_data(file: Path, labels, tmp_path) -> None:
    (tmp_path / "own").mkdir()
    np.savez(tmp_path / "own" / f"{STEM}.npz", labels=labels[::-1])
    (found,) = located(AnnotationRegion(maps=tmp_path / "own"), "person", shown(file))
    np.testing.assert_array_equal(found, labels[[3, 1]] == 1)


BOX = [80, 60, 240, 180]  # the middle quarter of 320x240


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    path = tmp_path / "boxes.csv"
    rows = [f"Biking/{STEM},2,{','.join(map(str, BOX))}", f"Biking/{STEM},3,0,0,1,1"]
    path.write_text("\n".join(["video,frame,x1,y1,x2,y2", *rows]) + "\n")
    return path


@pytest.mark.parametrize("fit", ["crop", "squash", "letterbox"])
def test_boxes_follow_the_frames(boxes: Path, fit) -> None:
    (person,) = located(AnnotationRegion(boxes=boxes), "person", shown(size=96, fit=fit))
    assert not person[0].any()
    rows, columns = np.nonzero(person[1] >= INSIDE)
    edges = {
        "crop": (24, 71, 16, 79),  # 320 wide is 128 here, of which the middle 96 are left
        "squash": (24, 71, 24, 71),
        "letterbox": (30, 65, 24, 71),  # 72 high, below a bar of 12
    }
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == edges[fit]
    (background,) = located(AnnotationRegion(boxes=boxes), "background", shown(size=96, fit=fit))
    picture = slice(12, 84) if fit == "letterbox" else slice(0, 96)
    np.testing.assert_allclose(background[:, picture], 1 - person[:, picture], atol=1e-6)
    if fit == "letterbox":
        assert not background[:, :12].any()  # the bars are no part of the scene


def test_boxes_of_another_resolution_are_scaled(tmp_path, boxes: Path) -> None:
    doubled = tmp_path / "doubled.csv"
    x1, y1, x2, y2 = (2 * edge for edge in BOX)
    doubled.write_text(f"video,frame,x1,y1,x2,y2\n{STEM},2,{x1},{y1},{x2},{y2}\n")
    (small,) = located(AnnotationRegion(boxes=boxes), "person", shown(size=96))
    source = AnnotationRegion(boxes=doubled, resolution=(480, 640))
    (large,) = located(source, "person", shown(size=96))
    np.testing.assert_array_equal(small >= INSIDE, large >= INSIDE)


def test_a_clip_without_a_box_in_its_frames_is_one_where_nothing_is_found(boxes: Path) -> None:
    source = AnnotationRegion(boxes=boxes)
    for target in ("person", "background"):
        found = located(source, target, shown(indices=(0, 1)), shown(name="v_Biking_g02_c01"))
        assert not any(soft_mask.any() for soft_mask in found)


def test_a_file_of_boxes_is_read_once(boxes: Path, monkeypatch) -> None:
    reads: list[Path] = []
    read_table = tables.read_table

    def counted(path, **settings):
        reads.append(path)
        return read_table(path, **settings)

    monkeypatch.setattr(boxes_module, "read_table", counted)
    source = AnnotationRegion(boxes=boxes)
    source.identity(a_set(shown().clip))
    locate = source.locator(no_model)
    for target in ("person", "background"):
        locate([shown()], target)
    assert reads == [boxes]


def test_the_targets_that_are_known(boxes: Path) -> None:
    for target in THINGS:
        AnnotationRegion().check(target)
        AnnotationRegion(maps=Path("masks")).check(target)
        assert not AnnotationRegion().uses_label(target)
    with pytest.raises(ClipHarError, match="feature=face: region=annotation knows subject, perso"):
        AnnotationRegion().check("face")
    with pytest.raises(ClipHarError, match="knows subject, person, background only"):
        AnnotationRegion(boxes=boxes).check("object")
    with pytest.raises(ClipHarError, match="feature=face"):
        located(AnnotationRegion(), "face", shown())
    assert AnnotationRegion.exact
    assert not AnnotationRegion.asks_model


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"maps": "m", "boxes": "b.csv"}, "set one of them"),
        (
            {"boxes": "b.pkl"},
            "expected a table of boxes with .csv or .parquet; the pickles of UCF101",
        ),
        ({"resolution": (0, 320)}, "greater than or equal to 1"),
        ({"target": "person"}, "Extra inputs"),
        ({"on_empty": "no"}, "'skip', 'whole' or 'error'"),
    ],
)
def test_wrong_settings(settings, message) -> None:
    with pytest.raises(ValidationError, match=message):
        AnnotationRegion(**settings)


def test_the_identity_is_that_of_the_maps(file: Path, labels, tmp_path) -> None:
    own = shown(file).clip
    source = AnnotationRegion()
    before = source.identity(a_set(own))
    assert source.identity(a_set(own)) == before
    assert source.identity(a_set(own, shown(None, name="another").clip)) != before
    np.savez_compressed(file, labels=labels[::-1])
    assert source.identity(a_set(own)) != before

    folder = tmp_path / "masks"
    folder.mkdir()
    masks = AnnotationRegion(maps=folder)
    np.savez(folder / f"{STEM}.npz", masks=labels == 1)
    before = masks.identity(a_set(own))
    np.savez(folder / f"{STEM}.npz", masks=labels == 2)
    assert masks.identity(a_set(own)) != before


def test_the_identity_is_that_of_the_boxes(boxes: Path) -> None:
    source = AnnotationRegion(boxes=boxes)
    before = source.identity(a_set(shown().clip))
    boxes.write_text(boxes.read_text().replace("80", "81"))
    assert source.identity(a_set(shown().clip)) != before


def test_a_source_that_knows_no_clip_is_refused_before_a_sweep(boxes: Path, tmp_path) -> None:
    clips = a_set(shown(name="v_Biking_g09_c09").clip)
    with pytest.raises(ClipHarError, match="no maps came with toy; use region=subject"):
        AnnotationRegion().identity(clips)
    with pytest.raises(ClipHarError, match=r"none of the 1 clips .*Biking/v_Biking_g09_c09\.npz"):
        AnnotationRegion(maps=tmp_path).identity(clips)
    with pytest.raises(ClipHarError, match=f"none of the 1 clips .*which names 'Biking/{STEM}'"):
        AnnotationRegion(boxes=boxes).identity(clips)
    with pytest.raises(ClipHarError, match=r"set region\.maps=<the folder>"):
        AnnotationRegion(maps=tmp_path / "none").identity(clips)
    with pytest.raises(ClipHarError, match=r"set region\.boxes=<the file>"):
        AnnotationRegion(boxes=tmp_path / "none.csv").identity(clips)


def test_maps_that_would_belong_to_two_clips_are_refused(labels, tmp_path) -> None:
    np.savez(tmp_path / "1.npz", masks=labels == 1)
    clips = a_set(*(Clip(f"{a}/1.mp4", Path(a, "1.mp4"), 0, "g") for a in ("jump", "run")))
    with pytest.raises(ClipHarError, match=r"1\.npz would belong to two clips, jump/1\.mp4 and ru"):
        AnnotationRegion(maps=tmp_path).identity(clips)


def test_maps_that_do_not_fit_stop_the_reading(file: Path, tmp_path) -> None:
    with pytest.raises(ClipHarError, match="4 are there and frame 10 is shown"):
        located(AnnotationRegion(), "person", shown(file, indices=(0, 9)))
    with pytest.raises(ClipHarError, match=r"is damaged or no \.npz"):
        located(AnnotationRegion(), "person", shown(tmp_path / "gone.npz"))


@pytest.mark.parametrize(("count", "side"), [(8, 64), (7, 32), (12, 64), (8, (64, 48))])
def test_maps_must_be_of_the_clip_s_own_frames(tmp_path: Path, count: int, side: Any) -> None:
    clips = planted_clips(tmp_path, per_class=1)
    frames = open_planted(clips, tmp_path)  # 8 frames of 64 x 64 px
    height, width = side if isinstance(side, tuple) else (side, side)
    np.savez(tmp_path / "0.npz", masks=np.ones((count, height, width), bool))
    if count == 12 or width != height:
        with pytest.raises(ClipHarError, match=r"region=annotation: expected .*, got"):
            located(AnnotationRegion(), "person", frames.view(0))
    else:
        (found,) = located(AnnotationRegion(), "person", frames.view(0))
        assert found.all()


@pytest.mark.sample_data
def test_boxes_on_real_clips_of_either_size(sample_data: Path, tmp_path: Path) -> None:
    """A planted box lands in the same place in the 320x240 clips and the 340x256 copies."""
    root = sample_data / "ucf101-sample"
    clip_set = UCF101(root=root, allow_missing=True).clips()
    path = tmp_path / "boxes.csv"
    rows = [
        f"{clip.path.parent.name}/{clip.id},{frame},100,40,180,200"
        for clip in clip_set.clips
        for frame in range(400)
    ]
    path.write_text("\n".join(["video,frame,x1,y1,x2,y2", *rows]))
    settings = FrameSettings(count=2, size=96)
    frames = FrameStore.open(clip_set, settings, cache_dir=tmp_path, progress=False)
    source = AnnotationRegion(boxes=path)
    assert source.identity(clip_set)
    views = [frames.view(i) for i in frames.ok]
    assert {entry.width for entry in frames.entries} == {320, 340}
    for soft_mask in soft_masks(source.locator(no_model))(views, "person"):
        rows_in, columns_in = np.nonzero((soft_mask >= INSIDE).all(axis=0))
        assert (rows_in.min(), rows_in.max() + 1) == (16, 80)  # 96 / 240 of the edges
        assert (columns_in.min(), columns_in.max() + 1) == (24, 56)  # less 16 that are cut off
