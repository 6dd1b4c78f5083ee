"""Find a checkpoint: a local folder in the hub's format, or a pinned revision on the hub."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.models.unread import OF_OPEN_CLIP, unread_change

# Weights as safetensors only: a pickled checkpoint can run code when it is read.
_WANTED = ("*.json", "*.txt")
_WEIGHTS = ("model.safetensors", "model-*.safetensors")  # what transformers reads: a file or shards
_ANY_WEIGHTS = ("*.safetensors",)
_HUB_TIMEOUT = 10  # seconds
MODEL, REGION = "model.checkpoint", "region.checkpoint"  # the keys that name a checkpoint
PREPROCESSOR = ("preprocessor_config.json", "processor_config.json")
VIDEO_PREPROCESSOR = "video_preprocessor_config.json"
_TOKENIZER = ({"tokenizer.json"}, {"vocab.json", "merges.txt"}, {"vocab.txt"})  # one of these


@dataclass(frozen=True)
class CheckpointFormat:
    """What a checkpoint's folder must contain, with words for messages.

    Attributes:
        setting: the key that names the checkpoint: `MODEL` or `REGION`.
        model_types: accepted model types of ``config.json``; empty if there is no such file.
        conversion: how pickled weights are converted; it follows "convert them once".
        weights_only: whether the weights are the only file that the model needs, as for a model
            that does not come from transformers.
    """

    setting: str
    conversion: str
    model_types: tuple[str, ...] = ()
    weights_only: bool = False

    @property
    def wanted(self) -> tuple[str, ...]:
        """Patterns of the files that are fetched from the hub."""
        return (*_WANTED, *(_ANY_WEIGHTS if self.weights_only else _WEIGHTS))

    def lacks(self, folder: Path) -> str | None:
        """Return why a checkpoint's folder cannot be used; None if it can."""
        return _lacks(folder, self)

    def __str__(self) -> str:
        if self.weights_only:
            return "a folder with *.safetensors"
        return (
            f"a folder in the hub's format, with config.json, {PREPROCESSOR[0]}, tokenizer files"
            " and *.safetensors"
        )


def find_checkpoint(checkpoint: str, revision: str | None, expected: CheckpointFormat) -> Path:
    """Return the folder of a checkpoint; download it from the hub if needed.

    Args:
        checkpoint: a local folder, or a hub name ``owner/name``.
        revision: the hub commit; not used for a local folder.
        expected: what the folder must contain.

    Raises:
        ClipHarError: when it is neither, cannot be downloaded, has no safetensors weights, or is of
            another architecture.
    """
    if (local := local_folder(checkpoint)) is not None:
        return _checked(local, checkpoint, expected)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", checkpoint) or checkpoint[0] in "./~":
        raise ClipHarError(
            f"{expected.setting}={checkpoint}: no such folder, and not a hub name (owner/name)"
            " either"
        )
    return _checked(_from_hub(checkpoint, revision, expected), checkpoint, expected)


def local_folder(checkpoint: str) -> Path | None:
    """Return the local folder that a checkpoint names; None if it is a name on the hub."""
    folder = Path(checkpoint).expanduser()
    return folder if folder.is_dir() else None


def weight_files(folder: Path) -> list[Path]:
    """Return a checkpoint's safetensors files in a fixed order, without those for open_clip."""
    files = folder.glob("*.safetensors")
    return sorted(path for path in files if not path.name.startswith(OF_OPEN_CLIP))


@cache
def weights_digest(folder: Path) -> str:
    """Return a SHA-256 over a checkpoint's weights, configuration and tokenizer files."""
    return files_digest([*weight_files(folder), *folder.glob("*.json"), *folder.glob("*.txt")])


def files_digest(paths: Iterable[Path]) -> str:
    """Return a SHA-256 over the names and contents of files, in the order of their paths."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(path.name.encode())
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def read_json(folder: Path, name: str, *, setting: str = MODEL) -> dict[str, Any]:
    """Return one of a checkpoint's JSON files.

    Args:
        folder: the checkpoint.
        name: of the file.
        setting: the key that names the checkpoint, for messages.

    Raises:
        ClipHarError: when it is missing or not a JSON object.
    """
    try:
        content = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ClipHarError(f"{setting}={folder}: {name} is missing or damaged") from error
    if not isinstance(content, dict):
        raise ClipHarError(f"{setting}={folder}: {name} is not a JSON object")
    return content


def _from_hub(name: str, revision: str | None, expected: CheckpointFormat) -> Path:
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
                allow_patterns=list(expected.wanted),
                local_files_only=local_files_only,
            )
        )

    try:
        cached = fetch(local_files_only=True)
        if expected.lacks(cached) is None:
            return cached  # a pinned revision never changes, so the hub need not be asked
    except LocalEntryNotFoundError:
        pass
    at = f" --revision {revision}" if revision else ""
    advice = (
        f"fetch it where there is a network (hf download {name}{at} --local-dir FOLDER), bring the"
        f" folder here, and set {expected.setting}=FOLDER"
    )
    try:
        # One request first: without a network the download would retry for half a minute.
        HfApi().model_info(name, revision=revision, timeout=_HUB_TIMEOUT)
        return fetch(local_files_only=False)
    except (RepositoryNotFoundError, RevisionNotFoundError) as error:
        raise ClipHarError(
            f"{expected.setting}={name}: the hub has no such model or revision (or it is private)"
        ) from error
    except Exception as error:  # of whichever HTTP client the hub's library uses
        why = "HF_HUB_OFFLINE forbids asking the hub"
        if not HF_HUB_OFFLINE:
            why = f"the hub gave nothing ({' '.join(str(error).split())[:120]})"
        raise ClipHarError(
            f"{expected.setting}={name}: not on this machine, and {why}; {advice}"
        ) from error


def image_size(folder: Path) -> int:
    """Return the side of the model's input in pixels, from the checkpoint's configuration.

    Raises:
        ClipHarError: when the configuration does not have it.
    """
    return vision_number(folder, "image_size", default=224)


def patch_size(folder: Path) -> int:
    """Return the side of the model's own patches in pixels, from the checkpoint's configuration.

    Raises:
        ClipHarError: when the configuration does not have it.
    """
    from transformers import CONFIG_MAPPING

    # Published checkpoints leave out what is the default of their kind: 32 for CLIP, 16 for SigLIP.
    kind = str(read_json(folder, "config.json")["model_type"])
    vision = CONFIG_MAPPING[kind].sub_configs["vision_config"]()
    return vision_number(folder, "patch_size", default=vision.patch_size)


def vision_number(folder: Path, key: str, *, default: int) -> int:
    """Return a number of the vision tower's configuration, a whole number of at least 1.

    Args:
        folder: the checkpoint.
        key: in ``vision_config``.
        default: the default of transformers if the key is missing.

    Raises:
        ClipHarError: when it is not such a number.
    """
    vision = read_json(folder, "config.json").get("vision_config", {})
    number = vision.get(key, default) if isinstance(vision, dict) else None
    if not isinstance(number, int) or number < 1:
        raise ClipHarError(
            f"{MODEL}={folder}: expected vision_config.{key} in config.json, a whole number from 1,"
            f" got {number!r}"
        )
    return number


def _checked(folder: Path, checkpoint: str, expected: CheckpointFormat) -> Path:
    if lack := expected.lacks(folder):
        raise ClipHarError(f"{expected.setting}={checkpoint}: expected {expected}; {lack}")
    if expected.model_types:
        kind = read_json(folder, "config.json", setting=expected.setting).get("model_type")
        if kind not in expected.model_types:
            raise ClipHarError(
                f"{expected.setting}={checkpoint}: expected model_type"
                f" {' or '.join(expected.model_types)} in config.json, got {kind!r}"
            )
    return folder.resolve()


def _lacks(folder: Path, expected: CheckpointFormat) -> str | None:
    names = {path.name for path in folder.iterdir()}
    if change := unread_change(folder, weights_only=expected.weights_only):
        return change
    if not expected.weights_only and "config.json" not in names:
        return "there is no config.json"
    if not weight_files(folder):
        return (
            "there are no *.safetensors weights; pickled weights are not read: where you trust"
            f" them, convert them once {expected.conversion}"
        )
    if expected.weights_only:
        return None
    if not names & {*PREPROCESSOR, VIDEO_PREPROCESSOR}:
        return f"{PREPROCESSOR[0]} is missing"
    if not any(files <= names for files in _TOKENIZER):
        return "there is neither tokenizer.json nor vocab.json with merges.txt"
    return None
