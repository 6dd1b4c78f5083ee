"""What makes another cell, and what does not."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from clip_har.config.cell import Cell, register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config
from clip_har.config.fingerprint import fingerprint
from clip_har.data.clips import in_shared_classes
from tests.data.made import write_video


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("videos")
    for name in ("running", "waving"):
        for number in range(3):
            write_video(root / name / f"{name}_{number}.mp4", 8 + number)
    return root


@pytest.fixture(scope="module")
def base(videos: Path, small_clip: Path) -> list[str]:
    return [
        "dataset=folder",
        f"dataset.root={videos}",
        f"model.checkpoint={small_clip}",
        "masking=percent",
    ]


def printed(*overrides: str) -> str:
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cell: Cell = cell_from_config(compose("config", overrides=list(overrides)))
    clips = in_shared_classes(cell.dataset.clips(), cell.classes)
    return fingerprint(cell, clips.limit(cell.limit))


@pytest.mark.parametrize(
    "change",
    [
        "ratio=0.31",
        "seed=1",
        "precision=bf16",
        "limit=2",
        "model.pooling=max",
        "masking.patch=8",
        "masking.fill=mean",
        "masking.static=false",
        "masking=shape",
        "masking=none",
        "region=motion",
        "prompts=bare",
        "prompts.templates=['a film of {}']",
        "frames.count=4",
        "frames.sampler=middle",
        "frames.order=reversed",
        "frames.fit=squash",
        "frames.resample=bilinear",
    ],
)
def test_what_changes_a_result_is_another_cell(base: list[str], change: str) -> None:
    assert printed(*base, change) != printed(*base)


@pytest.mark.parametrize(
    "change",
    [
        "batch_size=1",
        "model.runtime=compile",
        "device=cpu",
        "overwrite=always",
        "measures.target=[walking]",
        "measures.reference=val",
        "results_dir=elsewhere",
        "cache_dir=elsewhere",
        "tracking=none",
        "frames.workers=1",
        "frames.on_error=skip",
        "frames.max_failed=0.5",
    ],
)
def test_how_the_work_is_done_is_not(base: list[str], change: str) -> None:
    assert printed(*base, change) == printed(*base)


def test_no_mask_is_one_cell_under_every_ratio(base: list[str]) -> None:
    assert printed(*base, "masking=none", "ratio=0.1") == printed(*base, "masking=none")


def test_data_and_weights_count_by_content_not_by_place(
    base: list[str], videos: Path, small_clip: Path, tmp_path: Path
) -> None:
    data = shutil.copytree(videos, tmp_path / videos.name)
    weights = shutil.copytree(small_clip, tmp_path / "weights")
    moved = [base[0], f"dataset.root={data}", f"model.checkpoint={weights}", base[3]]
    assert printed(*moved) == printed(*base)
    clip = data / "running" / "running_0.mp4"
    content = bytearray(clip.read_bytes())
    content[len(content) // 2] ^= 1
    clip.write_bytes(content)
    assert printed(*moved) != printed(*base)


def test_other_weights_are_another_cell(base: list[str], small_clip: Path, tmp_path: Path) -> None:
    weights = shutil.copytree(small_clip, tmp_path / "weights")
    file = weights / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert printed(base[0], base[1], f"model.checkpoint={weights}", base[3]) != printed(*base)


def test_other_maps_are_another_cell(base: list[str], tmp_path: Path) -> None:
    maps = tmp_path / "maps" / "running"
    maps.mkdir(parents=True)
    labels = np.zeros((8, 64, 96), np.uint8)
    at = ("region=annotation", f"region.maps={tmp_path / 'maps'}")
    digests = []
    for size in (10, 20):
        labels[:, :size, :size] = 1
        np.savez_compressed(maps / "running_0.npz", labels=labels)
        digests.append(printed(*base, *at))
    assert digests[0] != digests[1]
    moved = shutil.copytree(tmp_path / "maps", tmp_path / "moved")
    assert printed(*base, at[0], f"region.maps={moved}") == digests[1], "the place does not count"


def test_boxes_and_weights_of_a_region_source_count_by_content_not_by_place(
    base: list[str], tmp_path: Path
) -> None:
    found = set()
    for name in ("here", "there"):
        folder = tmp_path / name
        folder.mkdir()
        rows = "video,frame,x1,y1,x2,y2\nrunning_0,0,1,1,9,9\n"
        (folder / "boxes.csv").write_text(rows, encoding="utf-8")
        (folder / "model.safetensors").write_bytes(b"weights")
        found.add(printed(*base, "region=annotation", f"region.boxes={folder / 'boxes.csv'}"))
        found.add(printed(*base, "region=person", f"region.checkpoint={folder}"))
    assert len(found) == 2
    (folder / "boxes.csv").write_text(rows.replace("9,9", "9,8"), encoding="utf-8")
    other = printed(*base, "region=annotation", f"region.boxes={folder / 'boxes.csv'}")
    assert other not in found


def test_what_no_mask_is_aimed_at_does_not_count(base: list[str]) -> None:
    assert printed(*base, "feature=person") == printed(*base, "feature=a ball")


def test_backgrounds_pairs_and_marks_count_by_content(base: list[str], tmp_path: Path) -> None:
    swap = [*base[:3], "masking=swap", "region=motion"]

    def pairs(name: str, scene: str) -> str:
        (tmp_path / name).write_text(f"clip,scene\nrunning_0,{scene}\n")
        return f"masking.pairs={tmp_path / name}"

    def backgrounds(name: str, grey: str) -> str:
        folder = tmp_path / name / "running" / "running_0"
        folder.mkdir(parents=True)
        Image.new("RGB", (8, 8), (int(grey),) * 3).save(folder / "1.png")
        return f"masking.backgrounds={tmp_path / name}"

    def marks(name: str, mark: str) -> str:
        (tmp_path / name).write_text(f"clip,wrong\nrunning/running_0.mp4,{mark}\n")
        return f"region.wrong={tmp_path / name}"

    for given, value, other in (
        (pairs, "waving_0", "waving_1"),
        (backgrounds, "10", "20"),
        (marks, "yes", "no"),
    ):
        first = printed(*swap, given("one.csv", value))
        assert first != printed(*swap)
        assert first == printed(*swap, given("copy.csv", value))
        assert first != printed(*swap, given("other.csv", other))
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
    assert printed(*swap, marks("none.csv", "")) == printed(*swap), "nothing is marked"


def test_a_source_that_is_not_asked_does_not_count(base: list[str]) -> None:
    assert printed(*base) == printed(*base, "region=none")
    assert printed(*base) == printed(*base, "region=motion", "region.every_mask=false")
    asked = printed(*base, "region=motion", "masking=feature", "region.every_mask=false")
    assert asked != printed(*base, "region=motion", "masking=feature", "region.min_frames=0.1")


def test_shared_classes_count_by_their_content(base: list[str], tmp_path: Path) -> None:
    texts = {
        "one": "class,videos\nrunning,waving\nwaving,running\n",
        "same": "# a remark\nclass,other,videos\nrunning,x,waving\nwaving,y,running\n",
        "turned": "class,videos\nrunning,running\nwaving,waving\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text)
    keys = {
        name: printed(*base, "dataset.name=videos", f"classes={tmp_path / name}.csv")
        for name in texts
    }
    assert keys["one"] == keys["same"] != keys["turned"]
    assert printed(*base, "dataset.name=videos") not in keys.values()
