"""Small copies of published data sets, laid down as they are published, from one drawn clip."""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from clip_har.data.shared_classes import shared_classes
from tests.data.made import numbered


@dataclass(frozen=True)
class Layout:
    """A copy of a data set.

    Attributes:
        clips: paths; one that ends with ``/`` is a folder of images, with ``.zip`` a zip of them.
        lists: content of the official lists, by path.
        words: settings that the copy needs.
    """

    clips: Sequence[str]
    lists: dict[str, str] = field(default_factory=dict)
    words: Sequence[str] = ()

    def lay_down(self, root: Path, video: bytes) -> Path:
        """Write the copy, each of its videos with the same content."""
        pictures = {f"{number:03d}": numbered(number) for number in (1, 2, 3)}
        for name in self.clips:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if name.endswith("/"):
                path.mkdir()
                for number, picture in pictures.items():
                    cv2.imwrite(str(path / f"{number}.jpg"), picture)
            elif name.endswith(".zip"):
                with zipfile.ZipFile(path, "w") as packed:
                    for number, picture in pictures.items():
                        content = cv2.imencode(".png", picture)[1].tobytes()
                        packed.writestr(f"{path.stem}/{path.stem}-{number}.png", content)
            else:
                path.write_bytes(video)
        for name, text in self.lists.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        return root


_NTU = [
    f"nturgb+d_rgb/{name}_rgb.avi"
    for name in (
        "S001C001P001R001A043",  # person 1 trains
        "S001C002P003R001A041",
        "S002C001P003R002A043",
        "S002C003P010R001A010",
        "S018C001P041R001A061",  # of the larger set
        "S020C002P103R001A103",
        "S019C002P044R001A105",
    )
]
_HEADER = "label,youtube_id,time_start,time_end,split\n"
_KINETICS = (
    f"{_HEADER}archery,-3B32lodo2M,59,69,val\n"
    '"shooting goal (soccer)",a_b-c_d0123,40,50,val\n'
    "air drumming,_dbcJuKJQNs,40,50,val\n"
    "air drumming,gone0000000,0,10,val\n"
)
_SSV2 = [
    {"id": "78687", "label": "closing a box", "template": "Closing [something]",
     "placeholders": ["a box"]},
    {"id": "42326", "label": "pulling a cup from left to right",
     "template": "Pulling [something] from left to right", "placeholders": ["a cup"]},
    {"id": "7", "label": "closing a drawer", "template": "Closing [something]",
     "placeholders": ["a drawer"]},
]  # fmt: skip
_SSV2_CLASSES = {"Closing something": "1", "Pulling something from left to right": "2",
                 "Approaching something with your camera": "0"}  # fmt: skip

LAYOUTS = {
    "ntu60": Layout(_NTU, words=["dataset.allow_missing=true"]),
    "ntu120": Layout(_NTU),
    "toyota_smarthome": Layout([
        f"mp4/{name}.mp4"
        for name in ("Walk_p03_r01_v15_c02", "Cook.Cut_p02_r00_v02_c03", "Walk_p10_r00_v02_c02",
                     "Enter_p02_r07_v09_c01", "WatchTV_p03_r00_v01_c05")
    ]),
    "kinetics400": Layout(
        ["val/archery/-3B32lodo2M_000059_000069.mp4", "val/a_b-c_d0123_000040_000050.mp4",
         "val/air_drumming/_dbcJuKJQNs_40_50.mkv", "train/archery/aaaaaaaaaaa_000001_000011.mp4"],
        {"annotations/val.csv": _KINETICS, "annotations/train.csv": _HEADER
         + "archery,aaaaaaaaaaa,1,11,train\nair drumming,bbbbbbbbbbb,1,11,train\n"
         + "shooting goal (soccer),ccccccccccc,1,11,train\n"},
        ["dataset.allow_missing=true"],
    ),
    "mimetics": Layout(
        ["data/archery/-3B32lodo2M_000059_000069.mp4",
         "data/writing/a_b-c_d0123_000003_000007.mp4"],
        {"mimetics_v1.0.csv": "label,youtube_id,time_start,time_end,split,is_cc\n"
         "archery,-3B32lodo2M,59,69,test,0\nwriting,a_b-c_d0123,3,7,test,0\n"},
    ),
    "ssv2": Layout(
        [f"20bn-something-something-v2/{name}.webm" for name in (78687, 42326, 7, 99)],
        {"annotations/something-something-v2-labels.json": json.dumps(_SSV2_CLASSES),
         "annotations/something-something-v2-validation.json": json.dumps(_SSV2)},
    ),
    "jester": Layout(
        [f"20bn-jester-v1/{name}/" for name in (9, 10, 34)],
        {"jester-v1-labels.csv": "Swiping Left\nSwiping Right\nNo gesture\n",
         "jester-v1-validation.csv": "10;No gesture\n9;Swiping Right\n",
         "jester-v1-train.csv": "34;Swiping Left\n"},
    ),
    "ucf101_ds": Layout(
        ["UCF101-DS/Biking/clip_1.mp4", "UCF101-DS/Biking/clip_2.mp4",
         "UCF101-DS/BilliardsShot/clip_1.mp4"],
        {"ucf101-DS_eval.csv": "label,filename,video_id,shift,category\n"
         "Biking,clip_1.mp4,yt1,snow,weather\nBiking,clip_2.mp4,yt1,night,lighting\n"
         "BilliardsShot,clip_1.mp4,yt2,snow,weather\n"},
    ),
    "urfall": Layout(
        ["falls/fall-01-cam0-rgb.zip", "falls/fall-01-cam1-rgb.zip", "falls/fall-01-cam0-d.zip",
         "falls/fall-02-cam0-rgb/fall-02-cam0-rgb/", "adl/adl-01-cam0-rgb.zip"],
        {"falls/fall-01-data.csv": "1,0,1.02\n"},
        ["dataset.allow_missing=true"],
    ),
    "gmdcsa24": Layout(
        ["Subject 1/Fall/01.mp4", "Subject 1/ADL/01.mp4", "Subject_2/ADL/16EVE (4).mp4"],
        words=["dataset.allow_missing=true"],
    ),
}  # fmt: skip
_MIMED = {name: f"mime{number:07d}" for number, name in enumerate(shared_classes("mimetics").names)}
_ROWS = "".join(f"{name},{video},3,7,val\n" for name, video in _MIMED.items())
IN_AND_OUT_OF_CONTEXT = {
    "kinetics400": Layout(
        [f"val/{name}/{video}_000003_000007.mp4" for name, video in _MIMED.items()],
        {"annotations/val.csv": f"{_HEADER}air drumming,gone0000000,0,10,val\n{_ROWS}"},
    ),
    "mimetics": Layout(
        [f"data/{video}_000003_000007.mp4" for video in _MIMED.values()],
        {"mimetics_v1.0.csv": _HEADER + _ROWS},
    ),
}
"""A clip in each class that both have; and a class of Kinetics that Mimetics has not."""
for _edition in ("600", "700"):
    LAYOUTS[f"kinetics{_edition}"] = LAYOUTS["kinetics400"]
