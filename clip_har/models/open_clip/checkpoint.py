"""Find an open_clip checkpoint: weights of the library's table, a hub repository, or a folder."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import (
    MODEL,
    CheckpointFormat,
    files_digest,
    find_checkpoint,
    local_folder,
)
from clip_har.models.open_clip.library import Tag, check_library, hub_place

CONFIG = "open_clip_config.json"
_HUB = "hf-hub:"
_USUAL = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_TOKENIZER = ("*.json", "*.txt", "*.model")  # what a tokenizer of transformers may read
_PICKLES = ("*.bin", "*.pt", "*.pth")
_CONVERSION = (
    'python -c "from open_clip.factory import load_state_dict; from safetensors.torch import'
    " save_file; read = load_state_dict('{file}'); save_file({{name: read[name].clone() for name in"
    f" read}}}}, '{_USUAL[0]}')\""
)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint on this machine.

    Attributes:
        folder: with ``open_clip_config.json`` and the weights.
        name: as the user wrote it.
        tag: of the library's table; None for a repository or a folder.
    """

    folder: Path
    name: str
    tag: Tag | None = None

    def weights(self) -> Path:
        """Return the file of the weights."""
        found = weights_file(self.folder)
        if found is None:
            raise ClipHarError(f"{MODEL}={self.name}: its weights are gone")
        return found

    def digest(self, described: Mapping[str, Any], *, more: tuple[Path, ...], words: bool) -> str:
        """Return a SHA-256 of all that is read.

        Args:
            described: the settings that are used, whether the file or a tag says them, as a JSON
                object.
            more: further files that are read.
            words: whether the tokenizer is one of the folder, not the library's own.
        """
        read = {self.weights(), *more}
        if words:
            files = {path for pattern in _TOKENIZER for path in self.folder.glob(pattern)}
            read |= files - {self.folder / CONFIG}  # its settings are described
        return _digest(frozenset(read), json.dumps(dict(described), sort_keys=True))


@dataclass(frozen=True)
class OpenClipFormat(CheckpointFormat):
    """What an open_clip checkpoint's folder must contain.

    Attributes:
        file: the name of the weights on the hub if it is not the usual one.
    """

    file: str = ""

    @property
    def wanted(self) -> tuple[str, ...]:
        """Patterns of the files that are fetched from the hub: never a pickle."""
        other = (f"{Path(self.file).stem}.safetensors",) if self.file else ()
        return (*_TOKENIZER, *_USUAL, *other)

    def lacks(self, folder: Path) -> str | None:
        """Return why a checkpoint's folder cannot be used; None if it can."""
        if not (folder / CONFIG).is_file():
            return f"there is no {CONFIG}"
        if weights_file(folder) is not None:
            return None
        if several := sorted(path.name for path in folder.glob("*.safetensors")):
            return f"expected the weights as {_USUAL[0]}, got {', '.join(several[:3])}"
        pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
        file = next(iter(pickles), self.file or "open_clip_pytorch_model.bin")
        return (
            "there are no *.safetensors weights; pickles are not read, because they can run code:"
            f" where you trust {file}, download it beside {CONFIG} and convert it once with"
            f" {_CONVERSION.format(file=file)}, then set {MODEL} to that folder"
        )

    def __str__(self) -> str:
        return f"a folder with {CONFIG} and {_USUAL[0]}"


def weights_file(folder: Path) -> Path | None:
    """Return the safetensors file that is read: one of the usual names, else the only one."""
    usual = [folder / name for name in _USUAL if (folder / name).is_file()]
    others = [*folder.glob("*.safetensors")]
    return usual[0] if usual else others[0] if len(others) == 1 else None


def find(checkpoint: str, revision: str | None) -> Checkpoint:
    """Return a checkpoint; download it if it is not on this machine.

    Args:
        checkpoint: ``ARCHITECTURE/TAG`` of the library's table, ``hf-hub:OWNER/NAME``, with
            ``@COMMIT`` or without, or a local folder.
        revision: the hub commit; not used for a local folder.

    Raises:
        ClipHarError: when the library or the checkpoint is missing, or has pickled weights only.
    """
    check_library()
    if (local := local_folder(checkpoint)) is not None:
        return Checkpoint(find_checkpoint(str(local), None, _format()), checkpoint)
    if checkpoint.startswith(_HUB):
        repository, commit = parse_hub(checkpoint, revision)
        return Checkpoint(find_checkpoint(repository, commit, _format()), checkpoint)
    tag = parse_tag(checkpoint)
    repository, file = hub_place(tag)
    return Checkpoint(find_checkpoint(repository, revision, _format(file)), checkpoint, tag)


def parse_tag(checkpoint: str) -> Tag:
    """Return the weights of the library's table that a checkpoint names.

    Raises:
        ClipHarError: when it cannot be such a name.

    Example:
        >>> parse_tag("ViT-B-16/datacomp_xl_s13b_b90k")
        Tag(architecture='ViT-B-16', name='datacomp_xl_s13b_b90k')
    """
    architecture, _, name = checkpoint.rpartition("/")
    if not architecture or not name or checkpoint[0] in "./~":
        raise ClipHarError(
            f"{MODEL}={checkpoint}: no such folder; expected ARCHITECTURE/TAG such as"
            " ViT-B-16/datacomp_xl_s13b_b90k (clip-har-models lists them),"
            f" hf-hub:OWNER/NAME@COMMIT, or a folder with {CONFIG}"
        )
    return Tag(architecture, name)


def parse_hub(checkpoint: str, revision: str | None) -> tuple[str, str | None]:
    """Return repository and commit of ``hf-hub:OWNER/NAME@COMMIT``.

    Raises:
        ClipHarError: when the checkpoint and ``model.revision`` name two commits.

    Example:
        >>> parse_hub("hf-hub:owner/name@1a2b", None), parse_hub("hf-hub:owner/name", None)
        (('owner/name', '1a2b'), ('owner/name', None))
    """
    repository, _, commit = checkpoint.removeprefix(_HUB).partition("@")
    if commit and revision not in (None, commit):
        raise ClipHarError(
            f"{MODEL}={checkpoint}: model.revision={revision} names another commit; leave one out"
        )
    return repository, commit or revision


@cache
def _digest(paths: frozenset[Path], described: str) -> str:
    return hashlib.sha256(f"{files_digest(paths)} {described}".encode()).hexdigest()


def _format(file: str = "") -> OpenClipFormat:
    return OpenClipFormat(MODEL, conversion="", file=file)
