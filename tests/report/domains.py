"""Made sweeps of one model in several domains."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clip_har.results.score_table import ScoreTable
from tests.report.made import NAMES, made_cell, made_sweep, table

MASKS = ("percent r=0.3", "shape r=0.3")


def answers_in(
    domain: int,
    accuracy: float,
    *,
    clips: int = 160,
    groups: int = 20,
    seed: int = 0,
    names: tuple[str, ...] = NAMES,
) -> ScoreTable:
    """Return answers to the clips of a domain, which no other domain has."""
    found = table(accuracy, seed=seed, clips=clips, groups=groups, names=names)
    own = tuple(f"{domain}: {clip}" for clip in found.clip_ids)
    return replace(found, clip_ids=own, groups=tuple(f"{domain}: {one}" for one in found.groups))


def made_domains(
    results: Path,
    domains: Mapping[str, tuple[float, float]],
    *,
    masks: Sequence[str] = MASKS,
    clips: Mapping[str, int] | None = None,
    without: Mapping[str, Sequence[str]] | None = None,
    leaking: Sequence[str] = (),
    overrides: Mapping[str, Sequence[str]] | None = None,
    names: tuple[str, ...] = NAMES,
) -> Path:
    """Write a sweep of one model on several data sets.

    Args:
        results: the results folder.
        domains: by name the accuracy of the unchanged clips, and what a mask costs.
        masks: such as ``percent r=0.3``.
        clips: their number by domain; 160 if it is not there.
        without: masks that a domain does not have, by its name.
        leaking: the masks that use the true label.
        overrides: of the data set, by domain; another seed of rendered clips if it is not there.
        names: of the classes.
    """
    cells: dict[str, Path | str] = {}
    for number, (domain, (accuracy, falls)) in enumerate(domains.items()):
        count = (clips or {}).get(domain, 160)
        own = tuple((overrides or {}).get(domain, [f"dataset.seed={number}"]))
        card: dict[str, Any] = {"data": domain, "data_digest": f"{number}" * 64}
        card |= {"weights_digest": "w" * 64, "prompts_digest": "p" * 64}
        shown: dict[str, Any] = {"clips": count, "names": names}
        clean = answers_in(number, accuracy, seed=50 * number, **shown)
        for place, mask in enumerate(["none", *masks]):
            if mask in (without or {}).get(domain, ()):
                continue
            words = mask.split()
            name = f"{mask} dataset={number}"
            given = [
                f"masking={words[0]}",
                *own,
                *(word.replace("r=", "ratio=") for word in words[1:]),
            ]
            if mask == "none":
                cells[name] = made_cell(results, name, clean, *given, **card)
                continue
            found = answers_in(number, accuracy - falls, seed=50 * number + place, **shown)
            twin = {"clean_twin": f"none_dataset={number}"}
            cells[name] = made_cell(
                results, name, found, *given, clean=clean, leaks=mask in leaking, **card, **twin
            )
    return made_sweep(results, cells)


def right(one: ScoreTable) -> NDArray[np.float64]:
    """Return which answers are right, without the code under test."""
    found: NDArray[np.float64] = (one.scores.argmax(axis=1) == one.labels).astype(float)
    return found
