"""The cells of a sweep as they were composed for their check: Hydra need not compose them again."""

from collections.abc import Mapping
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.object_type import ObjectType
from hydra.plugins.config_source import ConfigSource
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf


class ComposedCells(ConfigLoader):
    """A loader that knows the cells of a sweep.

    Hydra composes each cell twice: its sweeper to check it, its launcher to start it. Both get the
    same configuration here, and it is forgotten when the cell starts. What is not known is composed
    as ever, so also all cells in other processes: there this loader arrives as the one behind it.

    Args:
        loader: composes all else.
        cells: the configuration of each cell, by its overrides.
    """

    def __init__(self, loader: ConfigLoader, cells: Mapping[tuple[str, ...], DictConfig]) -> None:
        self._loader = loader
        self._cells = dict(cells)
        self._checked: set[tuple[str, ...]] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        return _itself, (self._loader,)

    def load_sweep_config(
        self, master_config: DictConfig, sweep_overrides: list[str]
    ) -> DictConfig:
        """Return the configuration of a cell."""
        key = tuple(sweep_overrides)
        if key not in self._cells:
            return self._loader.load_sweep_config(master_config, sweep_overrides)
        if key not in self._checked:
            self._checked.add(key)
            return self._cells[key]
        config = self._cells.pop(key)
        OmegaConf.copy_cache(from_config=master_config, to_config=config)  # times, as Hydra does
        return config

    def load_configuration(
        self,
        config_name: str | None,
        overrides: list[str],
        run_mode: RunMode,
        from_shell: bool = True,
        validate_sweep_overrides: bool = True,
    ) -> DictConfig:
        """Compose a configuration."""
        return self._loader.load_configuration(
            config_name, overrides, run_mode, from_shell, validate_sweep_overrides
        )

    def get_search_path(self) -> ConfigSearchPath:
        """Return where configurations are looked for."""
        return self._loader.get_search_path()

    def get_sources(self) -> list[ConfigSource]:
        """Return what configurations are read from."""
        return self._loader.get_sources()

    def list_groups(self, parent_name: str) -> list[str]:
        """Return the groups in a group."""
        return self._loader.list_groups(parent_name)

    def get_group_options(
        self,
        group_name: str,
        results_filter: ObjectType | None = ObjectType.CONFIG,
        config_name: str | None = None,
        overrides: list[str] | None = None,
    ) -> list[str]:
        """Return the options of a group."""
        return self._loader.get_group_options(group_name, results_filter, config_name, overrides)

    def compute_defaults_list(
        self, config_name: str | None, overrides: list[str], run_mode: RunMode
    ) -> Any:
        """Return which options a configuration is made of."""
        return self._loader.compute_defaults_list(config_name, overrides, run_mode)


def _itself(loader: ConfigLoader) -> ConfigLoader:
    return loader
