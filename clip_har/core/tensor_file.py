"""Tensors on disk that are known to be complete: safetensors with a digest of all their content."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from clip_har.core.atomic import whole_file

_DIGEST = "digest"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors and texts to one file, whole or not at all.

    Args:
        path: the file; an older one is replaced.
        tensors: by name, on any device.
        metadata: texts by name.

    Raises:
        OSError: when it cannot be written.
    """
    with whole_file(path) as temporary:
        save_tensors(temporary, tensors, metadata)


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write the same content directly, to a temporary file that is renamed later."""
    kept = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        save_file(kept, path, metadata={**metadata, _DIGEST: _digest(kept, metadata)})
    except SafetensorError as error:
        raise as_os_error(error) from error


def as_os_error(error: SafetensorError) -> OSError:
    """Return the system's error that safetensors wraps when it cannot write, such as a full disk.

    Example:
        >>> as_os_error(SafetensorError("I/O error: No space left on device (os error 28)")).errno
        28
    """
    number = re.search(r"os error (\d+)", str(error))
    return OSError(int(number[1]), str(error)) if number else OSError(str(error))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Return what `write_tensors` wrote: tensors on the CPU, and texts.

    Raises:
        ValueError: when it is damaged, was changed, or has a value that is not finite.
        OSError: when it cannot be read.
    """
    try:
        with safe_open(path, "pt") as file:
            metadata = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(f"no safetensors file ({error})") from error
    if metadata.pop(_DIGEST, None) != _digest(tensors, metadata):
        raise ValueError("its values are not those that were written")
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise ValueError(f"{name} has values that are not finite")
    return tensors, metadata


def _digest(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(tensors):
        digest.update(f"{name} {tuple(tensors[name].shape)} {tensors[name].dtype}\n".encode())
        digest.update(tensors[name].numpy().tobytes())
    for name in sorted(metadata):
        digest.update(f"{name}={metadata[name]}\n".encode())
    return digest.hexdigest()
