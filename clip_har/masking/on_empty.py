"""What happens to clips in which a target was not found, see ``region.on_empty``."""

import logging

from clip_har.core.errors import ClipHarError

log = logging.getLogger(__name__)


def refuse_empty(on_empty: str, message: str) -> None:
    """Refuse such clips with ``on_empty=error``.

    Args:
        on_empty: the setting.
        message: which target was not found in which clips.

    Raises:
        ClipHarError: with ``on_empty=error``.
    """
    if on_empty == "error":
        raise ClipHarError(
            f"{message}: region.on_empty=skip leaves them out, region.on_empty=whole uses their"
            " whole frames as the target"
        )


def warn_of_empty(on_empty: str, message: str) -> None:
    """Warn of such clips, and say how they are treated.

    Args:
        on_empty: the setting.
        message: which target was not found in which clips.
    """
    whole = "their whole frames are used as the target"
    log.warning("%s: %s", message, "left out" if on_empty == "skip" else whole)
