"""Check that other runtimes and precisions do not change the results.

The trained tiny CLIP says whether answers stay the same. The margins between classes of a model of
random weights are random, so that its answers flip at any change: there the embeddings count.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.compare import Row
from benchmarks.inputs import Inputs
from benchmarks.sweep import ways
from benchmarks.towers import Way
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.data.sources.folder import Folder
from clip_har.models.clip import CLIP
from clip_har.models.device import pick_device
from clip_har.models.runtime import Runtime
from clip_har.models.zero_shot import ZeroShot
from clip_har.synthetic.dataset import Synthetic

_ANSWERS = 99.9  # %, of the clips
_CHANGE = 1e-3  # 1 − cos
_DISTINCT = 15  # clips of the folder that are not copies of each other


class _Result(NamedTuple):
    scores: torch.Tensor  # (N, C)
    embeddings: torch.Tensor  # (N, D)


def rows(inputs: Inputs, runtimes: Sequence[Runtime]) -> list[Row]:
    """Compare the predictions on the rendered test set, and embeddings on the folder's clips."""
    rendered = Synthetic(cache_dir=inputs.cache / "synthetic").clips()
    given = Folder(root=inputs.clips).clips().limit(_DISTINCT)
    count = len(given.clips)
    found = []
    plain, *others = ways(runtimes, bf16=True)
    expected = _result(inputs, rendered, inputs.tiny, plain)
    embedded = _result(inputs, given, inputs.vit, plain).embeddings
    for way in others:
        result = _result(inputs, rendered, inputs.tiny, way)
        same = (result.scores.argmax(dim=1) == expected.scores.argmax(dim=1)).double().mean()
        change = float((result.scores - expected.scores).abs().max())
        found.append(
            Row(
                "1",
                f"equal answers, {way}: {len(rendered.clips)} rendered clips, tiny CLIP",
                "eager fp32",
                [100 * float(same)],
                unit="%",
                goal=_ANSWERS,
                at_least=True,
                details={"largest difference of a score": change},
            )
        )
        cosine = (_result(inputs, given, inputs.vit, way).embeddings * embedded).sum(dim=1)
        found.append(
            Row(
                "1",
                f"largest 1 − cos of an embedding, {way}: {count} clips, ViT-B/32, random weights",
                "eager fp32",
                [float((1 - cosine).max())],
                unit="",
                goal=_CHANGE,
            )
        )
    return found


def _result(inputs: Inputs, clips: ClipSet, checkpoint: Path, way: Way) -> _Result:
    source = CLIP(checkpoint=str(checkpoint), runtime=way.runtime)
    settings = FrameSettings(count=8, size=source.image_size())
    frames = FrameStore.open(clips, settings, cache_dir=inputs.cache, progress=False)
    model = source.load(device=pick_device("cpu"), precision=way.precision)
    prompts = [[f"a photo of a person doing {name}."] for name in clips.class_names]
    classifier = ZeroShot.build(
        model, prompts, pooling="mean", batch_size=32, cache_dir=inputs.cache
    )
    parts = [
        classifier.forward([torch.from_numpy(frames.clip(index).copy()) for index in batch])
        for batch in frames.batches(frames.ok, 256)
    ]
    scores, embeddings = (torch.cat(part) for part in zip(*parts, strict=True))
    return _Result(scores, embeddings)
