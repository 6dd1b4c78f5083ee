"""The sweeper of ``hydra/sweeper=parts``; Hydra finds plugins only in this package.

Hydra imports it at every start, so nothing heavy is imported at the top.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper


class PartsSweeper(BasicSweeper):
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

    def split_arguments(  # type: ignore[override]
        self, overrides: Sequence[Any], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """Return the jobs in batches.

        Args:
            overrides: those of the experiment and the command line, parsed.
            max_batch_size: see the class.
        """
        from clip_har.config.parts import parts_of

        assert self.hydra_context is not None  # noqa: S101, set before the sweep
        loader = self.hydra_context.config_loader
        lines = [override.input_line for override in overrides]
        count = len(self.params)
        parts = parts_of(self.parts, lines[:count], lines[count:], loader)
        jobs = [list(job) for part in parts for job in part.jobs]
        return list(self.split_overrides_to_chunks(jobs, max_batch_size))
