"""Small copies of the academic data sets in their official layout, with made clips."""

import zipfile
from pathlib import Path

from tests.cli.data.rar import write_rar
from tests.data.made import numbered, write_video

CLASSES = ("HandstandPushups", "Run")
GROUPS = 3
_UCF = {1: "g01", 2: "g02", 3: "g03"}  # the test group of each split


def ucf_clips(folder: Path) -> dict[str, Path]:
    """Write the clips ``<Class>/v_<Class>_gNN_c01.avi``, each of its own length."""
    made = {}
    for label, name in enumerate(CLASSES):
        for group in range(1, GROUPS + 1):
            file = f"{name}/v_{name}_g{group:02d}_c01.avi"
            length = 4 + 3 * label + group
            # brighter than a black bar
            made[file] = write_video(folder / file, [numbered(i) + 20 for i in range(length)])
    return made


def ucf_lists() -> dict[str, str]:
    """Return the list files, with the line ends of the official ones."""
    lists = {"classInd.txt": "".join(f"{i} {name}\r\n" for i, name in enumerate(CLASSES, 1))}
    for k, held_out in _UCF.items():
        test, train = "", ""
        for index, name in enumerate(CLASSES, 1):
            for group in range(1, GROUPS + 1):
                entry = f"{name}/v_{name}_g{group:02d}_c01.avi"
                if held_out == f"g{group:02d}":
                    test += f"{entry}\r\n"
                else:
                    train += f"{entry} {index}\r\n"
        lists |= {f"testlist0{k}.txt": test, f"trainlist0{k}.txt": train}
    return lists


def ucf_archives(folder: Path) -> tuple[Path, Path]:
    """Write ``UCF101.rar`` and the zip of the lists, laid out as the official ones."""
    clips = {f"UCF-101/{n}": p.read_bytes() for n, p in ucf_clips(folder / "made").items()}
    archive = write_rar(folder / "UCF101.rar", clips)
    splits = folder / "splits.zip"
    with zipfile.ZipFile(splits, "w") as packed:
        for name, text in ucf_lists().items():
            packed.writestr(f"ucfTrainTestlist/{name}", text)
    return archive, splits


def hmdb_archives(folder: Path) -> tuple[Path, Path]:
    """Write ``hmdb51_org.rar``, which holds an archive per class, and the archive of the lists."""
    inner: dict[str, bytes] = {}
    lists: dict[str, bytes] = {}
    for name in ("run", "wave"):
        clips = {}
        text = ["", "", ""]
        for film in range(3):
            stem = f"Film{film}_{name}_f_cm_np1_fr_med_0"
            path = write_video(folder / "made" / f"{stem}.avi", 5 + film)
            clips[f"{name}/{stem}.avi"] = path.read_bytes()
            for k in range(3):
                text[k] += f"{stem}.avi {2 if film == k else 1} \r\n"
        inner[f"{name}.rar"] = write_rar(folder / f"{name}.rar", clips).read_bytes()
        lists |= {
            f"testTrainMulti_7030_splits/{name}_test_split{k}.txt": text[k - 1].encode()
            for k in (1, 2, 3)
        }
    return (
        write_rar(folder / "hmdb51_org.rar", inner),
        write_rar(folder / "test_train_splits.rar", lists),
    )
