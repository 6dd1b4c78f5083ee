"""Prepare OmniFall with its authors' package: labels and splits, then the videos of components."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError

REPOSITORY = "simplexsigil2/omnifall"
"""The data set on the hub that holds the labels and the splits."""

TERMS = (
    "OmniFall: labels and splits are fetched from the hub; the authors' package fetches the videos"
    " of each component from its own source.\n"
    "licence: of each component, as its authors state it; the package asks where it has to be"
    " accepted.\n"
    "cite: Schneider et al.: OmniFall, arXiv:2505.19889, and the publication of each component\n"
)


def prepare_omnifall(root: Path, components: Sequence[str], *, accepted: bool) -> None:
    """Fetch the labels and the splits, then the videos of components, below ``root``.

    If the command was killed, it gets what is missing when it is typed again.

    The result is the layout that ``dataset=omnifall`` reads: ``labels/<component>.csv``,
    ``splits/{cs,cv}/<component>/<part>.csv`` and ``<component>/video/<path>.mp4``.

    Args:
        root: the folder for the data set.
        components: in the spelling of the package, such as ``le2i`` and ``GMDCSA24``; none: labels
            and splits only.
        accepted: whether the terms of use are accepted without a question.

    Raises:
        ClipHarError: when the package is not installed, knows no such component, or cannot fetch
            it.
    """
    package = _package()
    known = sorted(map(str, package.DATASETS))
    if unknown := [name for name in components if name not in known]:
        raise ClipHarError(
            f"{unknown[0]}: omnifall has no such component; expected some of {', '.join(known)}"
        )
    root.mkdir(parents=True, exist_ok=True)
    _fetch_lists(root)
    for name in components:
        folder = root / name / "video"
        folder.mkdir(parents=True, exist_ok=True)  # the package refuses one that is not there
        try:
            # Without force the package takes a folder with one video for a whole component.
            if not package.verify(name, video_dir=folder).complete:
                package.prepare(name, video_dir=folder, consent=accepted, force=True)
        except (RuntimeError, NotImplementedError, OSError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ClipHarError(f"omnifall cannot prepare {name}: {reason}") from error


def _package() -> Any:
    try:
        return import_module("omnifall")
    except ImportError as error:
        raise ClipHarError(
            "clip-har-data prepare omnifall needs the authors' package: pip install omnifall, and"
            f" ffmpeg for the videos ({error})"
        ) from error


def _fetch_lists(root: Path) -> None:
    """Fetch labels and splits; the package itself does not write them into a folder."""
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(
            REPOSITORY,
            repo_type="dataset",
            local_dir=root,
            allow_patterns=["labels/*.csv", "splits/**/*.csv"],
        )
    except Exception as error:  # of whichever HTTP client the hub's library uses
        reason = " ".join(str(error).split())
        raise ClipHarError(
            f"the labels of OmniFall cannot be fetched from the hub ({REPOSITORY}): {reason}"
        ) from error
