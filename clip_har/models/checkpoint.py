"""Find a checkpoint: a local folder in the hub's format, or a pinned revision on the hub."""

import hashlib
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from clip_har.errors import ClipHarError

# Weights as safetensors only: a pickled checkpoint can run code when it is read.
_WANTED = ("*.json", "*.txt", "*.safetensors")
_HUB_TIMEOUT = 10  # seconds


def find_checkpoint(checkpoint: str, revision: str | None) -> Path:
    """Return the folder that holds a checkpoint, fetching it from the hub where needed.

    Args:
        checkpoint: a local folder, or a hub name ``owner/name``.
        revision: the hub commit; not used for a local folder.

    Raises:
        ClipHarError: when it is neither, cannot be fetched, or holds no safetensors weights.
    """
    local = Path(checkpoint).expanduser()
    if local.is_dir():
        return _checked(local, checkpoint)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", checkpoint) or checkpoint[0] in "./~":
        raise ClipHarError(
            f"model.checkpoint={checkpoint}: no such folder, and not a hub name (owner/name) either"
        )
    return _checked(_from_hub(checkpoint, revision), checkpoint)


def weight_files(folder: Path) -> list[Path]:
    """Return a checkpoint's safetensors files in a fixed order."""
    return sorted(folder.glob("*.safetensors"))


@cache
def weights_digest(folder: Path) -> str:
    """Return a SHA-256 over a checkpoint's weights, configuration and tokenizer files."""
    digest = hashlib.sha256()
    for path in sorted([*weight_files(folder), *folder.glob("*.json"), *folder.glob("*.txt")]):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """Return one of a checkpoint's JSON files.

    Raises:
        ClipHarError: when it is missing or not a JSON object.
    """
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClipHarError(f"model.checkpoint={folder}: {name} is missing or damaged") from error
    if not isinstance(content, dict):
        raise ClipHarError(f"model.checkpoint={folder}: {name} is not a JSON object")
    return content


def _from_hub(name: str, revision: str | None) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.constants import HF_HUB_OFFLINE
    from huggingface_hub.errors import (
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    def fetch(*, local_files_only: bool) -> Path:
        return Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=list(_WANTED),
                local_files_only=local_files_only,
            )
        )

    try:
        cached = fetch(local_files_only=True)
        if weight_files(cached) and (cached / "config.json").is_file():
            return cached  # a pinned revision never changes, so the hub need not be asked
    except LocalEntryNotFoundError:
        pass
    at = f" --revision {revision}" if revision else ""
    advice = (
        f"fetch it where there is a network (hf download {name}{at} --local-dir FOLDER), bring the"
        " folder here, and set model.checkpoint=FOLDER"
    )
    try:
        # Asked once first: the download itself would retry for half a minute without a network.
        HfApi().model_info(name, revision=revision, timeout=_HUB_TIMEOUT)
        return fetch(local_files_only=False)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise ClipHarError(
            f"model.checkpoint={name}: the hub has no such model or revision (or it is private)"
        ) from error
    except Exception as error:  # of whichever HTTP client the hub's library uses
        why = "HF_HUB_OFFLINE forbids asking the hub" if HF_HUB_OFFLINE else "no hub in reach"
        raise ClipHarError(
            f"model.checkpoint={name}: not on this machine, and {why}; {advice}"
        ) from error


def _checked(folder: Path, checkpoint: str) -> Path:
    if not (folder / "config.json").is_file():
        raise ClipHarError(
            f"model.checkpoint={checkpoint}: expected a folder in the hub's format, with"
            " config.json, preprocessor_config.json, tokenizer files and *.safetensors;"
            " there is no config.json"
        )
    if not weight_files(folder):
        raise ClipHarError(
            f"model.checkpoint={checkpoint}: there are no *.safetensors weights; pickled weights"
            " are not read, convert them with transformers' save_pretrained"
        )
    return folder.resolve()
