"""The runtimes of a model's forward pass, and their check, without heavy imports."""

import os
from importlib.util import find_spec
from shutil import which
from typing import Literal

from clip_har.core.errors import ClipHarError

Runtime = Literal["torch", "compile", "onnxruntime", "openvino"]

_EXPORT = ("onnx", "onnxscript")
_NEEDS = {"onnxruntime": ("onnxruntime", *_EXPORT), "openvino": ("openvino", *_EXPORT)}


def _compiler() -> bool:
    return any(which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++"))


def check_runtime(runtime: Runtime, *, device: str, precision: str) -> None:
    """Check that a runtime is installed and supports a device and a precision.

    Args:
        runtime: see `clip_har.models.tower.build_tower`.
        device: as in the settings (also ``auto``), or as PyTorch names it.
        precision: ``fp32``, ``bf16`` or ``fp16``.

    Raises:
        ClipHarError: when it cannot be used.
    """
    if runtime == "compile" and device == "cpu" and not _compiler():
        raise ClipHarError(
            "model.runtime=compile needs a C++ compiler on a CPU: install g++, or use"
            " model.runtime=torch"
        )
    if runtime not in _NEEDS:
        return
    if missing := [name for name in _NEEDS[runtime] if find_spec(name) is None]:
        raise ClipHarError(
            f"model.runtime={runtime}: {' and '.join(missing)} must be installed: pip install"
            f" 'clip-har[{runtime}]', or use model.runtime=torch"
        )
    if device not in ("auto", "cpu"):
        raise ClipHarError(
            f"model.runtime={runtime} runs on the CPU, not on {device}: add device=cpu, or use"
            " model.runtime=torch"
        )
    if precision != "fp32":
        raise ClipHarError(
            f"model.runtime={runtime} runs in fp32, not in {precision}: use precision=fp32, or"
            " model.runtime=torch"
        )
