"""The answers of several models to the same clips, under one or more conditions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clip_har.metrics.models import Numbers
from clip_har.metrics.pairing import common_rows
from clip_har.sweeps.models import Condition


@dataclass(frozen=True, eq=False)
class ModelAnswers:
    """Which answers of some models are right, to the same clips under several conditions.

    Attributes:
        right: per condition ``(M, S, N)``.
        groups: N names.
        labels: ``(N,)``.
    """

    right: Sequence[Numbers]
    groups: Sequence[str]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, conditions: Sequence[Condition]) -> "ModelAnswers | None":
        """Read the answers; None if no clip is shown in all of them.

        Args:
            conditions: at least one; of a model without a condition there are no answers to it.
        """
        cells = [[seeds for seeds in one.cells if seeds] for one in conditions]
        flat = [cell for models in cells for seeds in models for cell in seeds]
        tables = [cell.table for cell in flat]
        kept, ids = common_rows(tables)
        if not ids:
            return None
        right = iter(
            (table.predictions() == table.labels)[rows].astype(np.float64)
            for table, rows in zip(tables, kept, strict=True)
        )
        return cls(
            [np.array([[next(right) for _ in seeds] for seeds in models]) for models in cells],
            [tables[0].groups[row] for row in kept[0]],
            tables[0].labels[kept[0]],
        )

    def mean(self, of: slice = slice(None)) -> Numbers:
        """Return ``(M, S, N)`` the mean over some conditions.

        A condition of one seed is the same for each seed of the others. Over several numbers of
        seeds above 1 there is no mean of each seed: it is one over the seeds, too, with S = 1.
        """
        right = self.right[of]
        if len({one.shape[1] for one in right} - {1}) > 1:
            right = [one.mean(axis=1, keepdims=True) for one in right]
        mean: Numbers = np.mean(np.broadcast_arrays(*right), axis=0)
        return mean
