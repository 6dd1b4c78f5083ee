"""From the words of a command that shows one cell to its configuration, without a sweep."""

import threading
from collections.abc import Sequence

from omegaconf import DictConfig

from clip_har.config.compose import without_hub_revision, without_hydra
from clip_har.config.session import session
from clip_har.core.errors import ClipHarError

_composing = threading.Lock()  # Hydra has one global state


def key_of(word: str) -> str:
    """Return the key of an override.

    Example:
        >>> key_of("++masking.patch=8")
        'masking.patch'
    """
    return word.partition("=")[0].lstrip("+~")


def composed(words: Sequence[str]) -> tuple[DictConfig, dict[str, str]]:
    """Return the configuration of the words of a command, and the option of each group.

    Raises:
        ClipHarError: when a word names a key or an option that does not exist, or names several
            values.
    """
    with _composing, session() as composing:
        if len(composing.expand(list(words))) > 1:
            raise ClipHarError(
                f"{' '.join(words)}: expected one value for each key: this command shows one cell"
            )
        config = composing.compose(words)
    if config.hydra.sweeper.get("params") or config.hydra.sweeper.get("parts"):
        raise ClipHarError(
            f"{' '.join(words)}: expected the settings of one cell, got those of a sweep: this"
            " command shows one cell; give the keys that you want of it, such as masking=shape"
        )
    options = {str(group): str(option) for group, option in config.hydra.runtime.choices.items()}
    return without_hub_revision(without_hydra(config)), options
