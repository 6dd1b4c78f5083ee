"""Check that other runtimes and precisions do not change the predictions."""

from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.compare import Row
from benchmarks.inputs import Inputs
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.folder import Folder
from clip_har.models.clip import CLIP
from clip_har.models.device import Precision, pick_device
from clip_har.models.runtime import Runtime
from clip_har.models.zero_shot import ZeroShot
from clip_har.synthetic.dataset import Synthetic

_GOAL = 99.9  # %, of the clips
_DISTINCT = 15  # clips of the folder that are not copies of each other


def rows(inputs: Inputs, runtimes: Sequence[Runtime]) -> list[Row]:
    """Compare the predictions on the rendered test set and on the folder's clips."""
    rendered = Synthetic(cache_dir=inputs.cache / "synthetic").clips()
    given = Folder(root=inputs.clips).clips().limit(_DISTINCT)
    ways: list[tuple[Runtime, Precision]] = [(name, "fp32") for name in runtimes[1:]]
    ways.append(("torch", "bf16"))
    found = []
    for clips, checkpoint, what in (
        (rendered, inputs.tiny, f"{len(rendered.clips)} rendered clips, tiny CLIP"),
        (given, inputs.vit, f"{_DISTINCT} clips, ViT-B/32 of random weights"),
    ):
        plain = _scores(inputs, clips, checkpoint, "torch", "fp32")
        for runtime, precision in ways:
            other = _scores(inputs, clips, checkpoint, runtime, precision)
            same = (other.argmax(dim=1) == plain.argmax(dim=1)).double().mean()
            details = {"largest difference of a score": float((other - plain).abs().max())}
            name = f"equal answers, runtime={runtime}, {precision}: {what}"
            found.append(
                Row(
                    "1",
                    name,
                    "eager fp32",
                    [100 * float(same)],
                    unit="%",
                    goal=_GOAL,
                    at_least=True,
                    details=details,
                )
            )
    return found


def _scores(
    inputs: Inputs, clips: ClipSet, checkpoint: Path, runtime: Runtime, precision: Precision
) -> torch.Tensor:
    source = CLIP(checkpoint=str(checkpoint), runtime=runtime)
    settings = FrameSettings(count=8, size=source.image_size())
    frames = FrameStore.open(clips, settings, cache_dir=inputs.cache)
    model = source.load(device=pick_device("cpu"), precision=precision)
    prompts = [[f"a photo of a person doing {name}."] for name in clips.class_names]
    classifier = ZeroShot.build(
        model, prompts, pooling="mean", batch_size=32, cache_dir=inputs.cache
    )
    batches = frames.batches(frames.ok, 256)
    return torch.cat(
        [
            classifier.scores([torch.from_numpy(frames.clip(index).copy()) for index in batch])
            for batch in batches
        ]
    )
