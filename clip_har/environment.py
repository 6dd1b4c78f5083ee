"""Where a result comes from: machine, versions, code."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from clip_har.fingerprint import code_digest

_PACKAGES = ("torch", "torchvision", "transformers", "av", "numpy", "hydra-core", "mlflow")


def environment(device: str) -> dict[str, Any]:
    """Return what a reader needs to run the same again: versions, machine, code."""
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


def git_commit() -> str | None:
    """Return the commit that the code is at: ``$GIT_COMMIT``, else the checkout's, else None."""
    if commit := os.environ.get("GIT_COMMIT"):
        return commit
    checkout = Path(__file__).resolve().parents[1]
    if not (checkout / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
