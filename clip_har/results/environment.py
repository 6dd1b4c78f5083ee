"""The environment of a result: machine, versions, code."""

import os
import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from clip_har.core.code_version import code_digest, git_commit

_PACKAGES = (
    *("torch", "torchvision", "transformers", "open_clip_torch", "timm"),
    *("av", "numpy", "hydra-core", "mlflow"),
)


def environment(device: str) -> dict[str, Any]:
    """Return what a reader needs to repeat a run: versions, machine, code."""
    return {
        "clip_har": code_digest(),
        "git_commit": git_commit(),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        "device": device,
        "accelerator": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "processors": os.cpu_count(),
        "torch_threads": torch.get_num_threads(),
    }


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
