"""Fit the stacks of all variants of a cell's noise on held clips, once."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clip_har.core.cache import cached, key_of
from clip_har.heads.head import Head
from clip_har.noise.contract import Noise
from clip_har.noise.learned.arms import ARMS, CLASS_PARTS, GATED, Arm, parts_needed
from clip_har.noise.learned.base import FitMasking, Learned
from clip_har.noise.learned.fits import Fits, FittedOn, fit_arms
from clip_har.noise.learned.held import HeldClips, Shown, scores_path
from clip_har.noise.learned.identity import (
    STACKING,
    STACKS_FILE,
    described_noises,
    described_stacks,
)
from clip_har.noise.learned.lift import Answers, columns_needed
from clip_har.noise.learned.protocols import derangement
from clip_har.noise.settings import LearningCell
from clip_har.noise.variants import NONE

log = logging.getLogger(__name__)


def fitted_stacks(held: HeldClips, noises: Mapping[str, Noise], heads: Mapping[str, Head]) -> Fits:
    """Return the stacks of a cell's variants from the cache; fit them first if they are not there.

    Args:
        held: the clips that they are fitted on.
        noises: each noise of the cell by its name.
        heads: classifiers on frozen embeddings by name; a variant whose classifier could not be
            fitted is left out.

    Raises:
        ClipHarError: when the held clips are too few, or the stacks cannot be stored.
    """
    noise = held.noise

    def make(temporary: Path) -> None:
        arms = [arm for arm in noise.arms if _is_possible(arm, heads)]
        tables = {
            masks: _Tables.of(held, shown, noises, masks)
            for masks, shown in _arms_under(noise, arms).items()
        }
        ids = tables[noise.fits_under].clips.ids  # a mask's target may be missing in some clips
        masked, whole = (
            tables.get(masks, tables[noise.fits_under]).answers(held, ids, heads)
            for masks in (noise.fits_under, "none")
        )
        groups = tables[noise.fits_under].clips.groups
        if len(set(groups)) == 1:
            log.warning(
                "the weights of the variants are fitted on the clips of one group (%s): they may"
                " fit this group alone; give more training groups",
                groups[0],
            )
        on = FittedOn(
            features={arm.name: arm.features for arm in arms},
            masks=noise.fits_under,
            clips=ids,
            groups=sorted(set(groups.tolist())),
            masking=held.cell.masking.described() if noise.fits_under == "same" else None,
        )
        replace(fit_arms(arms, masked, whole, groups), on=on).write(temporary)

    return cached(
        stacks_path(noise, held.cell), "weights of the variants", read=Fits.read, make=make
    )


def stacks_path(noise: Learned, cell: LearningCell) -> Path:
    """Return the file of `fitted_stacks`."""
    key = key_of(described_stacks(noise, cell), code=STACKING)
    return cell.cache_dir / "noise" / key / STACKS_FILE


def held_paths(noise: Learned, cell: LearningCell) -> dict[tuple[str, FitMasking], Path]:
    """Return the files of the scores that stacks are fitted on, by noise and masks."""
    described = described_noises(noise, cell)
    return {
        (name, masks): scores_path(noise, cell, masks, _described(noise, name, described[name]))
        for masks, arms in sorted(_arms_under(noise, noise.arms).items())
        for name in _needed(arms)
    }


def _arms_under(noise: Learned, arms: Sequence[Arm]) -> dict[FitMasking, Sequence[Arm]]:
    """Return the variants that need the answers for held clips, by masks: whole, only the gate."""
    gated = [arm for arm in arms if arm.name == GATED]
    whole: dict[FitMasking, Sequence[Arm]] = {"none": gated} if gated else {}
    return {**whole, noise.fits_under: arms}  # which may be the same masks


def _is_possible(arm: Arm, heads: Mapping[str, Head]) -> bool:
    if "head" not in arm.features:
        return True
    return arm.head in heads if arm.head else bool(heads)


def _needed(arms: Sequence[Arm]) -> list[str]:
    """Return the noises whose scores some stacks need, no noise first."""
    return [NONE, *sorted(set().union(*(arm.noises for arm in arms)))]


def _described(noise: Learned, name: str, described: object) -> object:
    """Return what decides the scores under a noise: also the parts that are used."""
    return [described, noise.used_parts if name in CLASS_PARTS else None]


@dataclass(frozen=True, eq=False)
class _Tables:
    """The answers for the held clips under some masks.

    Attributes:
        shown: by noise.
    """

    shown: Mapping[str, Shown]

    @classmethod
    def of(
        cls, held: HeldClips, arms: Sequence[Arm], noises: Mapping[str, Noise], masks: FitMasking
    ) -> "_Tables":
        noise, described = held.noise, described_noises(held.noise, held.cell)
        found: dict[str, Shown] = {}

        def columns_of(name: str, clips: Shown) -> NDArray[np.int64]:
            clean = found[NONE].rows(clips.ids).scores[:, 0]
            assert noise.used_parts is not None  # noqa: S101
            return columns_needed(
                # The same whether the cell has controls or not: the scores are found again.
                parts_needed(ARMS, name),
                clean,
                labels=clips.labels,
                partner=derangement(clean.shape[1], seed=noise.seed),
                top_k=noise.used_parts,
            )

        for name in _needed(arms):
            few = name in CLASS_PARTS and noise.used_parts is not None
            found[name] = held.shown(
                masks,
                noises[name],
                _described(noise, name, described[name]),
                columns=partial(columns_of, name) if few else None,
            )
        return cls(found)

    @property
    def clips(self) -> Shown:
        """The answers without noise."""
        return self.shown[NONE]

    def answers(self, held: HeldClips, ids: tuple[str, ...], heads: Mapping[str, Head]) -> Answers:
        """Return the scores of some clips."""
        shown = {name: one.rows(ids) for name, one in self.shown.items()}
        clean = shown[NONE]
        return Answers(
            {name: one.scores for name, one in shown.items()},
            clean.labels,
            derangement(clean.scores.shape[2], seed=held.noise.seed),
            held.noise.used_parts,
            {name: head.logits(clean.embeddings) for name, head in heads.items()},
        )
