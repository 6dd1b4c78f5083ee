"""Where a model runs, and in which number type."""

from typing import Literal

import torch

from clip_har.core.errors import ClipHarError
from clip_har.core.workers import joblib_worker

Precision = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def pick_device(name: str) -> torch.device:
    """Return the device for a name such as ``auto``, ``cpu`` or ``cuda:1``.

    With ``auto`` the workers of the joblib launcher take the accelerators of this machine in turn.

    Raises:
        ClipHarError: when this machine has no such device.
    """
    if name == "auto":
        accelerator = torch.accelerator.current_accelerator(check_available=True)
        if accelerator is None:
            return torch.device("cpu")
        worker = joblib_worker()
        count = torch.accelerator.device_count()
        return accelerator if worker is None else torch.device(accelerator.type, worker % count)
    device = torch.device(name)
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ClipHarError(
            f"device={name}: not available to this PyTorch; use device=auto or device=cpu"
        ) from error
    return device


def pick_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """Return the number type of the forward pass.

    Raises:
        ClipHarError: for fp16 on a CPU, where it is neither fast nor exact enough.
    """
    if precision == "fp16" and device.type == "cpu":
        raise ClipHarError("precision=fp16 needs an accelerator: use precision=bf16 or fp32 on cpu")
    return _DTYPES[precision]
