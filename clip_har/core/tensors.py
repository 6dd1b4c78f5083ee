"""Arrays as tensors without a copy, and tensors on their way to a device."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class _Writable:
    """The memory of an array, said to be writable."""

    def __init__(self, array: NDArray[Any]) -> None:
        interface = array.__array_interface__
        self.array = array  # kept alive
        self.__array_interface__ = {**interface, "data": (interface["data"][0], False)}


def shared(array: NDArray[Any]) -> "torch.Tensor":
    """Return a tensor that shares an array's memory; one that is read-only must not be written to.

    PyTorch has no read-only tensors and warns of read-only arrays. Writing to the tensor of a file
    that is mapped for reading ends the process, so that it cannot damage the file.

    Args:
        array: of any shape, read-only or not; its steps are not negative.

    Example:
        >>> array = np.arange(3)
        >>> array.flags.writeable = False
        >>> shared(array).tolist()
        [0, 1, 2]
    """
    import torch

    return torch.from_numpy(array if array.flags.writeable else np.asarray(_Writable(array)))


def sent(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """Return a tensor on a device, without waiting for the device's work where that is safe.

    For CUDA it is copied to pinned memory first, which belongs to the copy until that is done.
    Apple's MPS may read ordinary memory later, when it belongs to something else
    (https://github.com/pytorch/pytorch/issues/189690), so it is waited for; so are devices of which
    it is not known. ``meta`` stands in for a device in tests and benchmarks.

    Args:
        tensor: on the CPU, or on the device already.
        device: where it goes.
    """
    if device.type == "cuda" and tensor.device.type == "cpu":
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=device.type in ("cuda", "meta"))
