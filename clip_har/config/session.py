"""Compose configurations without the command line: in a notebook, a script or a test."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import setup_globals
from hydra.errors import HydraException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR, expand
from clip_har.config.faults import composition_fault
from clip_har.core.addresses import TRACKING_URI, hide_environment, hide_logins
from clip_har.core.errors import ClipHarError


class Session:
    """Composes configurations from overrides; logins in addresses are hidden."""

    def compose(self, overrides: Sequence[str]) -> DictConfig:
        """Return the configuration of one cell, with Hydra's own node.

        Raises:
            ClipHarError: when an override names a key or an option that does not exist.
        """
        with _one_line():
            words = [hide_logins(word) for word in overrides]
            return compose("config", overrides=words, return_hydra_config=True)

    @property
    def loader(self) -> ConfigLoader:
        """The loader of the configuration."""
        return GlobalHydra.instance().config_loader()

    def expand(self, words: Sequence[str]) -> list[list[str]]:
        """Return the overrides of each cell of a sweep, see `clip_har.config.compose.expand`."""
        with _one_line():
            return expand([hide_logins(word) for word in words], self.loader)


@contextmanager
def session() -> Iterator[Session]:
    """Yield a `Session`; Hydra's global state is restored at the end."""
    register_schema()
    setup_globals()  # resolvers, such as ${now:}
    given = os.environ.get(TRACKING_URI)
    hide_environment()
    try:
        with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
            yield Session()
    finally:
        if given is not None:
            os.environ[TRACKING_URI] = given


def as_overrides(settings: dict[str, Any]) -> list[str]:
    """Return root settings as overrides.

    Example:
        >>> as_overrides({"masking": "shape", "ratio": None, "train_ratios": [0.1, 0.3]})
        ['masking=shape', 'ratio=null', 'train_ratios=[0.1,0.3]']
    """
    return [f"{key}={_written(value)}" for key, value in settings.items()]


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    text = str(value)
    plain = all(sign.isalnum() or sign in "_-./:+" for sign in text)
    return text if plain else "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@contextmanager
def _one_line() -> Iterator[None]:
    try:
        yield
    except (HydraException, OmegaConfBaseException) as error:
        raise ClipHarError(composition_fault(error)) from error
