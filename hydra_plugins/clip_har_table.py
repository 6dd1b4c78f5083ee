"""The sweeper of ``hydra/sweeper=table``; Hydra finds plugins only in this package.

Hydra imports it at every start, so nothing heavy is imported at the top.
"""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader

from hydra_plugins._clip_har_listed import ListedSweeper


class TableSweeper(ListedSweeper):
    """Run the cells of a table, see `clip_har.config.table.table_jobs`.

    Args:
        file: the table.
        max_batch_size: of the jobs that are started together; None for all.
        params: overrides of an experiment.
    """

    def __init__(
        self, file: str, max_batch_size: int | None = None, params: dict[str, str] | None = None
    ) -> None:
        super().__init__(max_batch_size, params)
        self.file = file

    def listed(
        self, params: Sequence[str], typed: Sequence[str], loader: ConfigLoader
    ) -> Sequence[Sequence[str]]:
        """Return the overrides of each cell."""
        from clip_har.config.table import table_jobs

        return table_jobs(Path(self.file).expanduser(), params, typed, loader)
