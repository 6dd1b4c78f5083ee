"""A small copy of every data set, as its option reads it: tools are tried on each of them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from PIL import Image

from tests.cli.data.made_sets import ucf_lists
from tests.data.made import numbered, write_video
from tests.data.sources.healthcare import drawn, lay_cholec80, lay_jigsaws, lay_omnifall
from tests.data.sources.layouts import LAYOUTS

CLASSES = ("jump", "run")
GROUPS = 3


def _clip(path: Path, number: int) -> Path:
    """Write a clip of its own content, brighter than a black bar."""
    return write_video(path, [numbered(number + i) + 20 for i in range(4)])


def folder(root: Path) -> list[str]:
    for label, name in enumerate(CLASSES):
        for number in range(4):
            _clip(root / name / f"{number}.mp4", 20 * label + 4 * number)
    return [f"dataset.root={root}"]


def manifest(root: Path) -> list[str]:
    """Lay down two sections in each of six videos; groups of two videos, three splits."""
    rows = ["path,label,group,split,start,end,light"]
    for label, name in enumerate(CLASSES):
        for number, split in enumerate(("train", "train", "val", "test", "test", "test")):
            video = f"videos/{name}_{number}.mp4"
            write_video(root / video, [numbered(label + 2 * number + i) + 20 for i in range(10)])
            for start in (0, 0.2):
                light = "day" if number % 2 else "night"
                rows.append(
                    f"{video},{name},{split}{number // 2},{split},{start},{start + 0.2},{light}"
                )
    (root / "clips.csv").write_text("\n".join(rows))
    table = f"dataset.path={root / 'clips.csv'}"
    return [table, "dataset.subset=test", "dataset.attributes=[light]"]


def ucf101(root: Path) -> list[str]:
    """Lay down two clips in each of three groups of two classes, with the official lists."""
    for name, text in ucf_lists().items():
        path = root / "ucfTrainTestlist" / name
        path.parent.mkdir(exist_ok=True, parents=True)
        lines = [line.replace("_c01", f"_c0{k}") for line in text.splitlines() for k in (1, 2)]
        path.write_text("\r\n".join(dict.fromkeys(lines)) + "\r\n")
    for label, name in enumerate(("HandstandPushups", "Run")):
        for group in range(1, GROUPS + 1):
            for number in (1, 2):
                clip = f"v_{name}_g{group:02d}_c{number:02d}.avi"
                _clip(root / "UCF-101" / name / clip, 30 * label + 8 * group + 4 * number)
    return [f"dataset.root={root}"]


def hmdb51(root: Path) -> list[str]:
    """Lay down two clips of each of three films in two classes, with the official lists."""
    for label, name in enumerate(("run", "wave")):
        lines = ["", "", ""]
        for film in range(3):
            for number in range(2):
                stem = f"Film{film}_{name}_f_cm_np1_fr_med_{number}"
                clip = root / "hmdb51_org" / name / f"{stem}.avi"
                _clip(clip, 30 * label + 8 * film + 4 * number)
                for k in range(3):
                    lines[k] += f"{stem}.avi {2 if film == k else 1} \n"
        for k, text in enumerate(lines, 1):
            path = root / "testTrainMulti_7030_splits" / f"{name}_test_split{k}.txt"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return [f"dataset.root={root}"]


def synthetic(root: Path) -> list[str]:
    return ["dataset.count=4", f"cache_dir={root}"]


def rawframes(root: Path) -> list[str]:
    """Lay down lists for training and testing of three folders of images each."""
    for use in ("train", "val"):
        lines = []
        for number in range(3):
            name = f"{CLASSES[number % 2]}/{use}_{number}"
            for frame in range(1, 4):
                image = root / "rawframes" / name / f"img_{frame:05d}.jpg"
                image.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(numbered(8 * number + frame) + 20).save(image)
            lines.append(f"{name} 3 {number % 2}\n")
        (root / f"{use}_list.txt").write_text("".join(lines))
    lists = [f"dataset.path={root / 'val_list.txt'}", f"dataset.train={root / 'train_list.txt'}"]
    return [*lists, f"dataset.root={root / 'rawframes'}"]


def pattern(root: Path) -> list[str]:
    folder(root)
    return [f"dataset.root={root}", "dataset.pattern='{label}/{}'"]


def _published(option: str) -> Callable[[Path], list[str]]:
    def lay_down(root: Path) -> list[str]:
        layout = LAYOUTS[option]
        layout.lay_down(root, _clip(root.parent / "drawn.mp4", 0).read_bytes())
        return [f"dataset.root={root}", *layout.words]

    return lay_down


def _of_sections(write: Callable[[Path, Path], object], *words: str) -> Callable[[Path], list[str]]:
    def lay_down(root: Path) -> list[str]:
        write(root, drawn(root.parent / "drawn.mp4"))
        return [f"dataset.root={root}", *words]

    return lay_down


LAID: Mapping[str, Callable[[Path], list[str]]] = {
    "cholec80": _of_sections(lay_cholec80),
    "folder": folder,
    "hmdb51": hmdb51,
    "jigsaws": _of_sections(lay_jigsaws),
    "manifest": manifest,
    "omnifall": _of_sections(lay_omnifall, "dataset.part=le2i"),
    "pattern": pattern,
    "rawframes": rawframes,
    "synthetic": synthetic,
    "ucf101": ucf101,
    **{option: _published(option) for option in LAYOUTS},
}
"""Of each option, what writes a small copy and returns the settings that name it."""
