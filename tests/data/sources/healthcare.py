"""Small copies of the data sets of falls and surgery: lists in the true formats, drawn videos."""

import shutil
from pathlib import Path

from tests.data.made import write_video

_CORE = "path,label,start,end,subject,cam,dataset"
_LOOKS = "age_group,gender_presentation,camera_elevation"
OMNIFALL = {
    "labels/le2i.csv": f"{_CORE}\n"
    "Home_01/video_1,0,0.0,1.5,1,1,le2i\n"
    "Home_01/video_1,1,1.5,2.4,1,1,le2i\n"
    "Home_01/video_1,2,2.4,9.75,1,1,le2i\n"
    "Coffee_room_01/video_1,9,-2.0,-0.5,2,1,le2i\n"
    "Coffee_room_01/video_1,4,-0.5,2,2,1,le2i\n"
    "Office/video_3,8,0,3,3,1,le2i\n",
    "labels/GMDCSA24.csv": f"{_CORE}\n"
    "Subject_1/Fall/01,1,0.5,2.5,1,1,GMDCSA24\n"
    "Subject_2/ADL/07,3,0,3,2,1,GMDCSA24\n",
    "labels/OOPS.csv": f"{_CORE}\n"
    "falls/Best1,14,0,1,-1,-1,OOPS\n"
    "falls/Best1,1,1,2,-1,-1,OOPS\n"
    '"falls/Oh, no",15,0,2,-1,-1,OOPS\n',
    "labels/of-syn.csv": f"{_CORE},{_LOOKS}\n"
    "fall/fall_ch_001,1,0,3.5,-1,-1,of-syn,children_5_12,female,top\n"
    "walk/walk_el_002,0,0,5.0625,-1,-1,of-syn,elderly_65_plus,male,eye\n",
    "splits/cs/le2i/train.csv": "path\nOffice/video_3\n",
    "splits/cs/le2i/test.csv": "path\nHome_01/video_1\nCoffee_room_01/video_1\n",
    "splits/cv/le2i/test.csv": "path\nHome_01/video_1\n",
    "splits/cv/le2i/train.csv": "path\nOffice/video_3\nCoffee_room_01/video_1\n",
    "splits/cs/gmdcsa24/test.csv": "path\nSubject_1/Fall/01\n",
    "splits/cs/gmdcsa24/train.csv": "path\nSubject_2/ADL/07\n",
    "splits/cs/mcfd/test.csv": "path\n",
    "labels/mcfd.csv": f"{_CORE}\nchute01/cam1,1,0,1,1,1,mcfd\n",
    "splits/cs/OOPS/test.csv": 'path\nfalls/Best1\n"falls/Oh, no"\nfalls/unlabelled\n',
    "splits/syn/random/test.csv": "path\nfall/fall_ch_001\nwalk/walk_el_002\n",
    "splits/syn/cross_age/test.csv": "path\nwalk/walk_el_002\n",
}
_OMNIFALL_VIDEOS = (
    "le2i/video/Home_01/video_1.mp4",
    "le2i/video/Coffee_room_01/video_1.avi",
    "le2i/video/Office/video_3.mp4",
    "GMDCSA24/video/Subject_1/Fall/01.mp4",
    "GMDCSA24/video/Subject_2/ADL/07.mp4",
    "OOPS/video/falls/Best1.mp4",
    "OOPS/video/falls/Oh, no.mp4",
    "of-syn/video/fall/fall_ch_001.mp4",
    "of-syn/video/walk/walk_el_002.mp4",
)
_PHASES = ("Preparation", "CalotTriangleDissection", "ClippingCutting")
_TOOLS = "Frame\tGrasper\tBipolar\tHook\tScissors\tClipper\tIrrigator\tSpecimenBag\n"
JIGSAWS = {
    "transcriptions/Suturing_B001.txt": "1 30 G1 \n31 75 G2 \n76 90 G3 \n",
    "transcriptions/Suturing_B002.txt": "10 60 G1 \n61 90 G11 \n",
    "transcriptions/Suturing_C001.txt": "1 45 G2\r\n46 90 G1\r\n",
    "meta_file_Suturing.txt": "Suturing_B001\t\tN\t13\t\t3\t1\t2\t2\t2\t3\n"
    "Suturing_B002\t\tN\t9\t\t1\t1\t2\t2\t2\t1\n"
    "Suturing_C001\t\tE\t29\t\t5\t5\t5\t4\t5\t5\n",
}


def write_lists(root: Path, lists: dict[str, str]) -> None:
    for name, text in lists.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")


def put(video: Path | None, path: Path) -> None:
    """Put a copy of a video; an empty file without one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch() if video is None else shutil.copy(video, path)


def lay_omnifall(root: Path, video: Path | None = None) -> Path:
    write_lists(root, OMNIFALL)
    for name in _OMNIFALL_VIDEOS:
        put(video, root / name)
    return root


def lay_cholec80(root: Path, video: Path | None = None) -> Path:
    """Lay down 80 operations: one second of each of three phases."""
    frames = [f"{25 * i + j}\t{phase}" for i, phase in enumerate(_PHASES) for j in range(25)]
    for number in range(1, 81):
        tools = "".join(f"{25 * i}\t1\t0\t{int(i == 1)}\t0\t0\t0\t0\n" for i in range(3))
        lists = {
            f"phase_annotations/video{number:02d}-phase.txt": "Frame\tPhase\n" + "\n".join(frames),
            f"tool_annotations/video{number:02d}-tool.txt": _TOOLS + tools,
        }
        write_lists(root, lists)
        put(video, root / f"videos/video{number:02d}.mp4")
    return root


def lay_jigsaws(root: Path, video: Path | None = None) -> Path:
    write_lists(root / "Suturing", JIGSAWS)
    for trial in ("Suturing_B001", "Suturing_B002", "Suturing_C001"):
        for capture in (1, 2):
            put(video, root / f"Suturing/video/{trial}_capture{capture}.avi")
    return root


def drawn(path: Path) -> Path:
    """Draw the video that all copies share: three seconds at 25 frames a second."""
    return write_video(path, 75)
