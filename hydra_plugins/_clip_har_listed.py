"""What the sweepers of this package share; Hydra looks for no plugin in a file with this name."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader


class ListedSweeper(BasicSweeper):
    """Run cells that are listed, instead of all combinations of what was typed.

    Args:
        max_batch_size: of the jobs that are started together; None for all.
        params: overrides of an experiment.
    """

    @abstractmethod
    def listed(
        self, params: Sequence[str], typed: Sequence[str], loader: ConfigLoader
    ) -> Sequence[Sequence[str]]:
        """Return the overrides of each cell.

        Args:
            params: overrides of the experiment.
            typed: overrides of the command line.
            loader: the loader of the configuration.
        """

    def split_arguments(  # type: ignore[override]
        self, overrides: Sequence[Any], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """Return the jobs in batches.

        Args:
            overrides: those of the experiment and the command line, parsed.
            max_batch_size: see the class.
        """
        assert self.hydra_context is not None  # noqa: S101, set before the sweep
        loader = self.hydra_context.config_loader
        lines = [override.input_line for override in overrides]
        count = len(self.params)
        jobs = [list(job) for job in self.listed(lines[:count], lines[count:], loader)]
        return list(self.split_overrides_to_chunks(jobs, max_batch_size))
