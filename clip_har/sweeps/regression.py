"""The effects of the two hidden shares, over the cells of a sweep."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from clip_har.config.cell import Cell
from clip_har.core.settings import Role
from clip_har.metrics.regression import share_effects
from clip_har.results.names import MASK, SEED
from clip_har.results.result import Result
from clip_har.sweeps.cells import grouped, labels

COLUMNS = [
    "measure", "of", "value", "low", "high", "cells", "rows", "clips", "groups", "reason",
]  # fmt: skip
_OF_MASKS = {MASK, SEED, *Cell.fields_for(Role.MASK)}


def regressions(finished: Sequence[Result]) -> pd.DataFrame:
    """Return ``regression/subject_hidden`` and ``regression/picture_hidden``, see `share_effects`.

    Over cells that differ only in mask and seed, at least two of them, clean cells too; each clip
    of each cell whose subject was found is a row. Left out are cells that use the true label, with
    noise, with another clip's scene, or in which the evaluated model itself says where the subject
    is.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`: two rows per group of cells, values per 10 points more; ``reason`` says why there
        is no value. Empty if no subject is known.
    """
    groups = []
    for members in grouped([one for one in finished if _counts(one)], without=_OF_MASKS):
        known = [one for one in members if np.isfinite(one.table.subject_hidden).any()]
        groups += [known] if len(known) > 1 else []
    rows: list[dict[str, object]] = []
    for of, members in zip(labels(groups), groups, strict=True):
        table = pd.concat([_answers(one) for one in members])
        found = share_effects(
            table["right"].to_numpy(bool),
            table["picture"].to_numpy(float),
            table["subject"].to_numpy(float),
            clips=table["clip"].to_numpy(object),
            groups=table["group"].to_numpy(object),
            classes=table["class"].to_numpy(np.int64),
        )
        shared = {"of": of, "cells": len(members), "rows": found.rows, "clips": found.clips}
        shared |= {"groups": found.groups, "reason": found.reason}
        effects = {
            "regression/subject_hidden": found.subject,
            "regression/picture_hidden": found.picture,
        }
        for name, values in effects.items():
            numbers = dict(zip(("value", "low", "high"), values, strict=True))
            rows.append({"measure": name, **numbers, **shared})
    return pd.DataFrame(rows, columns=COLUMNS)


def _counts(one: Result) -> bool:
    cell = one.cell
    alone = cell.noise.is_clean and not cell.masking.swaps_scene
    return bool(alone and not one.leaks and not cell.region.asks_model)


def _answers(one: Result) -> pd.DataFrame:
    """Return a row per clip whose subject, and the mask's target, was found."""
    table = one.table
    rows = pd.DataFrame(
        {
            "clip": table.clip_ids,
            "group": table.groups,
            "class": table.labels,
            "right": table.predictions() == table.labels,
            "picture": table.mask_ratio,
            "subject": table.subject_hidden,
        }
    )
    return rows[rows["subject"].notna() & ~rows["clip"].isin(table.empty)]
