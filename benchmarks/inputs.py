"""The inputs of the benchmarks: clips, checkpoints, and a folder for all output."""

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np

from benchmarks.compare import ROOT
from clip_har.synthetic.tiny_clip import CHECKPOINT
from tests.checkpoints import VIT_B32, write_checkpoint

_NEXT_TO_NOTHING = {
    "hidden_size": 8,
    "intermediate_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 1,
    "projection_dim": 8,
}
_BASE = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "image_size": 224,
    "projection_dim": 512,
}
_SHAPES: dict[str, dict[str, object]] = {
    "vit_b32": VIT_B32,
    "vit_b16": VIT_B32 | {"vision_config": _BASE | {"patch_size": 16}},
    "vit_l14": {
        "projection_dim": 768,
        "text_config": {
            "hidden_size": 768,
            "intermediate_size": 3072,
            "num_hidden_layers": 12,
            "num_attention_heads": 12,
            "projection_dim": 768,
        },
        "vision_config": {
            "hidden_size": 1024,
            "intermediate_size": 4096,
            "num_hidden_layers": 24,
            "num_attention_heads": 16,
            "patch_size": 14,
            "image_size": 224,
            "projection_dim": 768,
        },
    },
    "zero": {
        "projection_dim": 8,
        "text_config": _NEXT_TO_NOTHING,
        # A larger patch costs more: its convolution copies the whole frame.
        "vision_config": _NEXT_TO_NOTHING | {"patch_size": 56, "image_size": 224},
    },
}

ACTIONS = (
    *("bowing", "boxing", "clapping", "climbing", "crawling", "drinking", "falling"),
    *("jumping", "kicking", "lifting", "mopping", "punching", "running"),
)
"""Names of the classes: words that the tiny CLIP knows, which refuses others."""

_SAMPLES = "ucf101-sample/UCF-101"  # below CLIP_HAR_SAMPLE_DATA
_MADE_CLASSES, _MADE_FRAMES = 12, 150  # of the clips that are made without sample data


@dataclass(frozen=True)
class Inputs:
    """The inputs of all rows of the table.

    Attributes:
        folder: the folder for all output.
        clips: ``<clips>/<class>/<clip>``, ``count`` videos.
        count: number of clips.
        real: whether they are clips of UCF-101.
        vit: a CLIP ViT-B/32 of random weights.
        zero: a CLIP whose forward pass costs nearly nothing, with the same input: it leaves only
            what the suite itself costs.
        tiny: the packaged tiny CLIP.
    """

    folder: Path
    clips: Path
    count: int
    real: bool
    vit: Path
    zero: Path
    tiny: Path = CHECKPOINT

    @property
    def cache(self) -> Path:
        """Decoded frames and text classifiers of the warm runs."""
        return self.folder / "cache"


def make_inputs(folder: Path, count: int) -> Inputs:
    """Lay out ``count`` clips and write the checkpoints, unless they exist already.

    The clips are real ones of UCF-101, each under several names, if CLIP_HAR_SAMPLE_DATA (or
    ``../shared/data``) has them; else videos of noise with the same size, length and codec.
    """
    given = Path(os.environ.get("CLIP_HAR_SAMPLE_DATA", ROOT.parent / "shared/data")) / _SAMPLES
    real = given.is_dir()
    clips = lay_out(folder, given if real else _made(folder / "made"), count, real=real)
    return Inputs(
        folder, clips, count, real, checkpoint(folder, "vit_b32"), checkpoint(folder, "zero")
    )


def checkpoint(folder: Path, name: str) -> Path:
    """Return a CLIP of random weights, see `_SHAPES`; write it unless it exists already."""
    digest = hashlib.sha256(json.dumps(_SHAPES[name], sort_keys=True).encode()).hexdigest()[:8]
    path = folder / f"{name}_{digest}"
    if not (path / "preprocessor_config.json").is_file():
        write_checkpoint(path, _SHAPES[name])
    return path


def more_clips(inputs: Inputs, count: int) -> Inputs:
    """Return the same inputs with another number of clips."""
    clips = lay_out(inputs.folder, inputs.clips, count, real=inputs.real)
    return replace(inputs, clips=clips, count=count)


def lay_out(folder: Path, source: Path, count: int, *, real: bool) -> Path:
    """Copy videos under ``count`` names, each about equally often; each name is decoded.

    The classes get the names of `ACTIONS`: which action is seen does not change the time.
    """
    clips = folder / f"{'real' if real else 'made'}_actions{count}"
    if clips.is_dir():
        return clips
    part = folder / "clips.part"
    shutil.rmtree(part, ignore_errors=True)
    videos = sorted(path for path in source.glob("*/*") if path.suffix in (".avi", ".mp4"))
    classes = sorted({video.parent.name for video in videos})
    for number, video in enumerate(islice(cycle(videos), count)):
        action = ACTIONS[classes.index(video.parent.name) % len(ACTIONS)]
        target = part / action / f"{video.stem}_{number:05d}{video.suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(video, target)
    part.rename(clips)
    return clips


def _made(folder: Path) -> Path:
    """Write videos of moving noise, 320 x 240 in MPEG-4 as UCF-101's."""
    draws = np.random.default_rng(0)
    for number in range(_MADE_CLASSES):
        path = folder / f"Class{number:02d}" / f"clip{number:02d}.avi"
        if path.is_file():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        scene = draws.integers(0, 256, (60, 80, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=25)
            stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
            for step in range(_MADE_FRAMES):
                seen = np.roll(scene, (step, 2 * step), axis=(0, 1))[:240, :320]
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(seen), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode())
    return folder
