"""One result over the official splits of a data set, of cells that differ only in the split."""

import logging
from collections.abc import Sequence

import pandas as pd

from clip_har.metrics.splits import over_splits
from clip_har.results.result import Result
from clip_har.sweeps.cells import described, grouped, prompt_texts
from clip_har.sweeps.robustness import COLUMNS

log = logging.getLogger(__name__)

SPLIT = "dataset.split"
"""The key by which data sets with several official splits name the one that is used."""


def split_means(finished: Sequence[Result]) -> pd.DataFrame:
    """Return the measures ``splits/*`` of cells that differ only in the split.

    See `clip_har.metrics.splits.over_splits`. The cells have the same settings, weights and texts
    of prompts.

    Args:
        finished: the results of the cells.

    Returns:
        `COLUMNS`; ``of`` names the cell without its split, and the splits.
    """
    rows: list[dict[str, object]] = []
    for members in _alike(finished):
        numbers = [split_of(one) for one in members]
        of = f"{members[0].named_without({SPLIT})} (splits {', '.join(numbers)})"
        try:
            twins = [one.clean for one in members]
            known = [one.table for one in twins if one is not None]
            found = over_splits(
                [one.table for one in members], known if len(known) == len(members) else None
            )
        except ValueError as error:
            log.warning("no mean over splits of %s: %s", of, error)
            continue
        measured = {
            "splits/top1_mean": found.mean,
            "splits/top1_sd": (found.sd,),
            "splits/top1_pooled": found.pooled,
            "splits/count": (float(len(members)),),
            **({} if found.change is None else {"splits/change_mean": found.change}),
        }
        rows += [
            dict(zip(("value", "low", "high"), values, strict=False))
            | {"measure": name, "of": of, "clips": found.clips, "groups": found.groups}
            for name, values in measured.items()
        ]
    return pd.DataFrame(rows, columns=COLUMNS)


def split_of(one: Result) -> str:
    """Return the official split of a cell; empty for a data set without splits."""
    return described(one, without=()).get(SPLIT, "")


def _alike(finished: Sequence[Result]) -> list[list[Result]]:
    """Return groups of cells that differ only in the split, at least two, in order of the split."""
    texts = prompt_texts(finished)
    found: list[list[Result]] = []
    for members in grouped([one for one in finished if split_of(one)], without={SPLIT}):
        by_content: dict[tuple[str, str], list[Result]] = {}
        for one in members:
            key = str(one.protocol.get("weights_digest")), texts[one.folder]
            by_content.setdefault(key, []).append(one)
        for alike in by_content.values():
            splits = [split_of(one) for one in alike]
            if len(set(splits)) < len(splits):  # made by other code: neither is the result
                log.warning("no mean over splits of %s: a split occurs twice", alike[0].name)
            elif len(splits) > 1:
                found.append(sorted(alike, key=split_of))
    return found
