"""The installed library: its version, and its table of pretrained weights."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, NamedTuple

from clip_har.core.errors import ClipHarError
from clip_har.core.imports import quick_imports
from clip_har.models.checkpoint import MODEL

_FIRST, _NEXT = (3, 3), (4, 0)  # 3.3 can load a local folder, 4.0 will change the loading


class Tag(NamedTuple):
    """Weights that the library's table names.

    Attributes:
        architecture: such as ``ViT-B-16``.
        name: of the weights, such as ``datacomp_xl_s13b_b90k``.
    """

    architecture: str
    name: str

    def __str__(self) -> str:
        return f"{self.architecture}/{self.name}"


def check_library() -> None:
    """Check that the library is installed, without importing it.

    Raises:
        ClipHarError: when it is missing or of another version.
    """
    advice = "pip install 'clip-har[open_clip]'"
    if find_spec("open_clip") is None:
        raise ClipHarError(f"model=open_clip: open-clip-torch must be installed: {advice}")
    found = version("open_clip_torch")
    if not _FIRST <= tuple(int(part) for part in found.split(".")[:2]) < _NEXT:
        raise ClipHarError(
            f"model=open_clip: expected open-clip-torch of at least 3.3 and below 4, got {found}:"
            f" {advice}"
        )


def tags() -> list[Tag]:
    """Return all weights of the table, sorted.

    The library names weights that were trained with QuickGELU twice; here they have one name,
    because the activation is read from the table.

    Raises:
        ClipHarError: when the library is missing.
    """
    found = {Tag(*one) for one in _open_clip().list_pretrained()}
    return sorted(tag for tag in found if not _is_repeated(tag, found))


def entry(tag: Tag) -> Mapping[str, Any]:
    """Return what the table says of weights: where they are, pixels, activation.

    Raises:
        ClipHarError: when it has no such weights.
    """
    library = _open_clip()
    found: Mapping[str, Any] = library.get_pretrained_cfg(tag.architecture, tag.name)
    if not found:
        known = [str(Tag(*one)) for one in library.list_pretrained()]
        close = get_close_matches(str(tag), known, n=3, cutoff=0.4)
        meant = f"; did you mean {' or '.join(close)}?" if close else ""
        raise ClipHarError(
            f"{MODEL}={tag}: open_clip's table has no such weights{meant} (clip-har-models lists"
            " them)"
        )
    return found


def hub_place(tag: Tag) -> tuple[str, str]:
    """Return the repository on the hub, and the name of its weights if it is not the usual one.

    Raises:
        ClipHarError: when the table has no such weights, or they are not on the hub.
    """
    place = str(entry(tag).get("hf_hub", ""))
    repository, _, file = place.rpartition("/")
    if repository.count("/") != 1:
        raise ClipHarError(f"{MODEL}={tag}: these weights are not on the hub; use other ones")
    return repository, file


def architecture_config(architecture: str) -> dict[str, Any]:
    """Return the library's own ``model_cfg`` of an architecture of its table."""
    found: dict[str, Any] | None = _open_clip().get_model_config(architecture)
    if found is None:
        raise ClipHarError(f"{MODEL}={architecture}: open_clip has no such architecture")
    return found


@contextmanager
def silent() -> Iterator[None]:
    """Drop what the library logs: that a model has no weights, before they are loaded.

    It writes to the root logger itself, which would also get a handler if it had none.
    """
    root, handler = logging.getLogger(), logging.NullHandler()

    def drop(record: logging.LogRecord) -> bool:
        return "open_clip" not in record.pathname

    root.addHandler(handler)
    root.addFilter(drop)
    try:
        yield
    finally:
        root.removeFilter(drop)
        root.removeHandler(handler)


@cache
def _open_clip() -> Any:
    check_library()
    with quick_imports():
        import open_clip
    return open_clip


def _is_repeated(tag: Tag, all_tags: set[Tag]) -> bool:
    plain = tag.architecture.removesuffix("-quickgelu")
    return plain != tag.architecture and Tag(plain, tag.name) in all_tags
