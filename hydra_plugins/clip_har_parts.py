"""The sweeper of ``hydra/sweeper=parts``; Hydra finds plugins only in this package.

Hydra imports it at every start, so nothing heavy is imported at the top.
"""

from collections.abc import Mapping, Sequence

from hydra.core.config_loader import ConfigLoader

from hydra_plugins._clip_har_listed import ListedSweeper


class PartsSweeper(ListedSweeper):
    """Run the cells of several parts one after the other, see `clip_har.config.parts.parts_of`.

    Args:
        parts: lines of overrides by title.
        about: what the report says above the parts.
        max_batch_size: of the jobs that are started together; None for all.
        params: overrides of an experiment.
    """

    def __init__(
        self,
        parts: Mapping[str, Sequence[str]],
        about: str = "",
        max_batch_size: int | None = None,
        params: dict[str, str] | None = None,
    ) -> None:
        super().__init__(max_batch_size, params)
        self.parts = parts
        self.about = about

    def listed(
        self, params: Sequence[str], typed: Sequence[str], loader: ConfigLoader
    ) -> Sequence[Sequence[str]]:
        """Return the overrides of each cell."""
        from clip_har.config.parts import parts_of

        return [job for part in parts_of(self.parts, params, typed, loader) for job in part.jobs]
