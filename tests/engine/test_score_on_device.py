"""Clips that are shown on a device other than a CPU: it is given work, and not waited for.

PyTorch's ``meta`` device stands in: its operations are begun as on any other, and do nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from clip_har.core.tensors import sent
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from clip_har.engine.score_clips import score_clips
from clip_har.masking.mask import Mask
from clip_har.masking.none import NoMask
from clip_har.masking.percent import PercentMask
from clip_har.masking.shape import ShapeMask
from clip_har.models.preprocess import normalise
from clip_har.models.processor import PixelScale
from clip_har.models.video_zero_shot import VideoZeroShot
from clip_har.noise.contract import Noise
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.pixel_noise import PixelNoise
from clip_har.noise.learned.settings import (
    ClassSpecificNoise,
    NestedNoise,
    ResidualNoise,
    UniversalNoise,
)
from clip_har.noise.none import NoNoise
from clip_har.noise.where import Where
from tests.noise.made import COUNT, SIDE, planted_classifier, shown, started
from tests.planted import CLASSES

CPU, DEVICE = torch.device("cpu"), torch.device("meta")
SCALE = PixelScale((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
VIEWS = {
    "slice",
    "split",
    "split_with_sizes",
    "view",
    "unsqueeze",
    "select",
    "detach",
    "flatten",
    "alias",
}


@dataclass
class Operations(TorchDispatchMode):
    """What the thread that uses it begins on the device."""

    begun: list[str] = field(default_factory=list)
    waited: list[str] = field(default_factory=list)
    read: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        name, kwargs = func.overloadpacket.__name__, kwargs or {}
        given = [one for one in tree_leaves((args, kwargs)) if isinstance(one, Tensor)]
        from_cpu = any(one.device == CPU and one.dim() for one in given)
        if name == "_to_copy" and kwargs.get("device") == CPU and not from_cpu:
            self.read += 1
            return torch.zeros(args[0].shape)
        found = func(*args, **kwargs)
        made = [one for one in tree_leaves(found) if isinstance(one, Tensor)]
        if any(one.device == DEVICE for one in made):
            if name not in VIEWS:
                self.begun.append(name)
            if from_cpu and not kwargs.get("non_blocking"):
                self.waited.append(name)
        return found


@dataclass
class Stand:
    """A model on the device that begins no operations of its own."""

    batches: list[int] = field(default_factory=list)
    device: torch.device = DEVICE
    batch_size: int = 64
    pooling: str = "mean"

    def forward(self, clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        pixels = normalise(clips, SCALE, dtype=torch.bfloat16)
        assert pixels.device == DEVICE
        self.batches.append(len(pixels))
        return torch.ones(len(clips), len(CLASSES)), torch.ones(len(clips), 4)


def operations(frames: FrameStore, mask: Mask, clips: int, **more: Noise) -> Operations:
    """Show some clips in one batch, without noise and with more."""
    masked, model = shown(frames, mask), Stand()
    masked.evaluated[clips:] = []
    found = Operations()
    with found:
        score_clips(masked, model, {"none": NoNoise(), **more})
    assert set(model.batches) == {sum(int(frames.lengths[index]) for index in masked.evaluated)}
    return found


STILL = PercentMask(ratio=0.3, patch=4, fill="#804020")
FRESH = PercentMask(ratio=0.3, patch=4, static=False)
MASKS = {"none": NoMask(), "shape": ShapeMask(ratio=0.3), "still": STILL, "fresh": FRESH}


@pytest.fixture(scope="module", params=["forward", "shuffled", "single"])
def ordered(
    request: pytest.FixtureRequest, planted_set: ClipSet, tmp_path_factory: pytest.TempPathFactory
) -> FrameStore:
    settings = FrameSettings(count=COUNT, size=SIDE, order=request.param, resident=True)
    return FrameStore.open(planted_set, settings, cache_dir=tmp_path_factory.mktemp("frames"))


@pytest.mark.parametrize("name", MASKS)
def test_a_batch_takes_as_few_operations_as_a_clip_and_waits_for_none(
    ordered: FrameStore, name: str
) -> None:
    operations(ordered, MASKS[name], 8)  # sends what stays there
    # Of one clip the parts need not be joined.
    few, many = (operations(ordered, MASKS[name], clips) for clips in (2, 8))
    assert many.begun == few.begun
    assert len(many.begun) <= 23
    assert not many.waited


@pytest.mark.parametrize("where", ["everywhere", "visible"])
@pytest.mark.parametrize(
    "noise",
    [
        UniversalNoise(),
        ClassSpecificNoise(),
        ClassSpecificNoise(static=False),
        ResidualNoise(),
        NestedNoise(rank=2),
    ],
    ids=["universal", "own", "moving", "residual", "nested"],
)
def test_so_does_learned_noise_of_each_class(
    ordered: FrameStore, noise: Learned, where: Where
) -> None:
    made = started(noise, planted_classifier())
    assert isinstance(made, PixelNoise)
    parts = {name: part.detach().to(DEVICE) for name, part in made.parts.items()}
    frozen = None if made.frozen is None else made.frozen.to(DEVICE)
    there = replace(made, parts=parts, frozen=frozen, where=where)
    operations(ordered, STILL, 8, own=there)
    few, many = (operations(ordered, STILL, clips, own=there) for clips in (2, 8))
    assert many.begun == few.begun
    assert not many.waited
    assert many.read <= 2, "how strong the noise is: read once for all passes of a batch"


def test_a_model_of_whole_clips_leaves_its_answers_on_the_device() -> None:
    model: Any = SimpleNamespace(
        device=DEVICE,
        pixels=lambda clips: clips.to(DEVICE),
        encode_clips=lambda pixels: (pixels.new_ones(len(pixels), 4), None),
        logits=lambda embedded, _, prompts: embedded @ prompts.float().mean(dim=1).T.byte(),
    )
    classifier = VideoZeroShot(model, torch.ones(3, 2, 4, device=DEVICE), batch_size=4)
    clips = [torch.zeros(length, 3, 8, 8, dtype=torch.uint8) for length in (2, 2, 2, 4)]
    scores, embeddings = classifier.forward(clips)
    assert (scores.shape, embeddings.shape) == ((4, 3), (4, 4))
    assert scores.device == embeddings.device == DEVICE


@pytest.mark.parametrize("device", ["meta", "cuda", "mps", "xpu"])
def test_only_devices_that_are_known_to_copy_at_once_are_not_waited_for(
    device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, pinned = torch.zeros(1), torch.zeros(1)
    asked: list[tuple[Tensor, torch.device, dict[str, bool]]] = []
    monkeypatch.setattr(Tensor, "pin_memory", lambda _: pinned)
    monkeypatch.setattr(Tensor, "to", lambda one, there, **more: asked.append((one, there, more)))
    sent(here, torch.device(device))
    ((source, there, how),) = asked
    assert source is (pinned if device == "cuda" else here)
    assert there == torch.device(device)
    assert how == {"non_blocking": device in ("meta", "cuda")}
