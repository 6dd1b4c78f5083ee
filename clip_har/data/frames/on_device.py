"""Decoded frames on the device of the model."""

from typing import TYPE_CHECKING

from clip_har.core.tensors import shared
from clip_har.data.frames.store import FrameStore

if TYPE_CHECKING:
    import torch


class DeviceFrames:
    """The frames of a store on a device.

    Args:
        frames: the store.
        device: where they go; on a CPU nothing is copied, the tensors share the file's memory.
    """

    def __init__(self, frames: FrameStore, device: "torch.device") -> None:
        self.frames = frames
        self.device = device

    def clip(self, i: int) -> "torch.Tensor":
        """Return the frames of clip ``i`` of the set, ``(T, 3, S, S)`` uint8."""
        return shared(self.frames.clip(i)).to(self.device, non_blocking=True)
