"""Decoded frames on the device of the model: kept there for all cells, or sent ahead."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from clip_har.core.errors import ClipHarError
from clip_har.core.tensors import shared
from clip_har.core.workers import joblib_worker
from clip_har.data.frames.store import FrameStore

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

Result = TypeVar("Result")

_SHARE, _SHARE_OF_WORKER = 0.5, 0.2
"""Of the device's free memory that frames may take, in a process that is alone and in a worker of
joblib, which may share the device with others. Models and activations need the rest."""

_kept: dict[tuple[str, str], "torch.Tensor"] = {}
"""The clips that stay on a device until a cell has other frames, by device and checksum."""

_full: set[str] = set()
"""The devices whose memory did not suffice for them in this process."""


class DeviceFrames:
    """The frames of a store on a device.

    On a CPU nothing is copied: the tensors share the memory of the mapped file. On another device
    they stay for all cells of this process that have the same frames, if ``frames.resident`` allows
    it and they fit. Else those of a CUDA device are sent by a stream of their own, from memory that
    is pinned, while the model works. If the device's memory runs full, the frames that stayed there
    give way, see `in_memory`.

    Args:
        frames: the store.
        device: where they go.
    """

    def __init__(self, frames: FrameStore, device: "torch.device") -> None:
        self.frames = frames
        self.device = device
        self.is_resident = device.type != "cpu" and _stay(frames, device)
        if not self.is_resident:
            _kept.clear()
        self._stream = _copy_stream(device) if device.type == "cuda" else None

    def send(self, i: int) -> "Callable[[], torch.Tensor]":
        """Begin to send clip ``i`` of the set; call it in any thread.

        Returns:
            Returns the frames, ``(T, 3, S, S)`` uint8; the device's current work waits for them.
        """
        if self.device.type == "cpu":
            return lambda: shared(self.frames.clip(i))
        key = (str(self.device), self.frames.entries[i].checksum)
        kept = _kept.get(key) if self.is_resident else None
        if kept is not None:
            return lambda: kept
        wait = self.in_memory(partial(self._sent, i))

        def frames() -> "torch.Tensor":
            found = wait()
            if self.is_resident:
                _kept[key] = found
            return found

        return frames

    def in_memory(self, work: Callable[[], Result]) -> Result:
        """Do work on the device; if its memory is full, give up frames that stay, and try again.

        From then on, frames of all cells of this process are sent ahead to this device.

        Args:
            work: done once more after it failed.

        Raises:
            ClipHarError: when no frames stay there, or the memory is full without them.
        """
        was_resident = self.is_resident
        try:
            return work()
        except (RuntimeError, MemoryError) as error:
            if not _is_full_memory(error):
                raise
        # Here no traceback holds the tensors of the work that failed.
        if was_resident:
            self._give_way()
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not _is_full_memory(error):
                    raise
        raise ClipHarError(
            f"{self.device}: its memory is full: lower batch_size, the frames in one forward pass,"
            " or free memory that other processes hold"
        )

    def _give_way(self) -> None:
        """Give up the frames that stay on the device, and say it once."""
        self.is_resident = False
        _kept.clear()
        if str(self.device) not in _full:
            _full.add(str(self.device))
            _log.warning(
                "%s: its memory is full: the frames of all clips do not stay there, but are sent"
                " for each cell (frames.resident=false does so from the start)",
                self.device,
            )

    def _sent(self, i: int) -> "Callable[[], torch.Tensor]":
        import torch

        pixels = shared(self.frames.clip(i))
        if self._stream is None:
            sent = pixels.to(self.device)
            return lambda: sent
        with torch.cuda.stream(self._stream):
            sent = pixels.pin_memory().to(self.device, non_blocking=True)
            done = self._stream.record_event()

        def wait() -> torch.Tensor:
            stream = torch.cuda.current_stream(self.device)
            stream.wait_event(done)
            sent.record_stream(stream)  # its memory is not used again before that is done
            return sent

        return wait


def _is_full_memory(error: Exception) -> bool:
    """Return whether an error says that a memory is full: not all devices have a class for it."""
    import torch

    text = str(error).lower()
    named = "out of memory" in text or "can't allocate memory" in text
    return named or isinstance(error, torch.OutOfMemoryError | MemoryError)


def _stay(frames: FrameStore, device: "torch.device") -> bool:
    """Return whether the frames of all clips stay on a device, and drop those of other stores."""
    own = {(str(device), entry.checksum) for entry in frames.entries if entry.error is None}
    for key in _kept.keys() - own:
        del _kept[key]
    if str(device) in _full:
        return False
    if frames.settings.resident != "auto":
        return frames.settings.resident
    bytes_of_frame = 3 * frames.size**2
    missing = bytes_of_frame * int(frames.lengths.sum()) - sum(
        part.numel() for part in _kept.values()
    )
    share = _SHARE if joblib_worker() is None else _SHARE_OF_WORKER
    return missing <= share * free_memory(device)


def free_memory(device: "torch.device") -> int:
    """Return the free bytes of a device; 0 if PyTorch cannot tell."""
    import torch

    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else 0


def _copy_stream(device: "torch.device") -> "torch.cuda.Stream":
    import torch

    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
