"""The variants of learned noise: what each one is made of, and which are compared.

This table is the only declaration of them: the order in tables and figures, what is fitted, what
leaks and the pairs that are compared follow from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from clip_har.heads.names import HEADS
from clip_har.noise.learned.protocols import LEAKS, variant_name
from clip_har.noise.variants import (
    CALIBRATION,
    LEARNED,
    NONE,
    RANDOM,
    SECOND,
    SHUFFLED,
    SHUFFLED_LABELS,
    UNIVERSAL,
)

Feature = Literal["clean", "universal", "second", "own", "mean", "true", "head"]
"""A score of class c: ``clean`` z_c(x); ``universal`` z_c(x + δu); ``second`` z_c(x + δu + a second
noise for all classes); ``own`` z_c(x + δu + δc); ``mean`` the mean of z_c(x + δu + δk) over the
other classes k whose part was computed; ``true`` z_c(x + δu + δy) of the true class y, which leaks;
``head`` the logit of a classifier on frozen embeddings."""

LIFT, GATED, STACKED, SHARED = "lift", "lift gated", "stacked universal", "shared part"
ORACLE = variant_name("oracle")
BEST_HEAD = "best head"

Dealt = Literal["own", "another", "true"]
"""The part that a class is scored under: its own, that of another class, or the true class's."""

Kind = Literal["reference", "method", "control", "baseline", "other", "leak"]
"""``reference``: no noise. ``method``: what is proposed. ``control``: another cause of a gain.
``baseline``: another use of the same labels. ``other``: another use of the same noise. ``leak``:
uses the true class of the evaluated clip, so it is no result."""


@dataclass(frozen=True)
class Arm:
    """One variant of learned noise.

    Attributes:
        name: in tables and figures.
        kind: what it is there for.
        said: what it is, as the end of a sentence that begins with its name.
        features: of its stack; empty for scores as they are.
        noise: the noise per class whose parts ``own`` and ``mean`` are of.
        another: whether each class gets the part of another class.
        head: the classifier of the feature ``head``; empty for the best one.
        against: variants that it is compared with, besides no noise.
    """

    name: str
    kind: Kind
    said: str
    features: tuple[Feature, ...] = ()
    noise: str = LEARNED
    another: bool = False
    head: str = ""
    against: tuple[str, ...] = ()

    @property
    def leaks(self) -> bool:
        """Whether it uses the true class of the evaluated clip."""
        return self.kind == "leak"

    @property
    def shown(self) -> str:
        """The noise that its clips are shown with."""
        if {"own", "mean", "true"} & set(self.features):
            return self.noise
        for feature, noise in (("second", SECOND), ("universal", UNIVERSAL)):
            if feature in self.features:
                return noise
        return NONE

    @property
    def noises(self) -> set[str]:
        """All noise whose scores its stack needs, besides no noise."""
        given = {"universal": UNIVERSAL, "second": SECOND}
        given |= dict.fromkeys(("own", "mean", "true"), self.noise)
        return {given[feature] for feature in self.features if feature in given}


_LIFT: tuple[Feature, ...] = ("clean", "universal", "own", "mean")
_STACKED: tuple[Feature, ...] = ("clean", "universal", "second")

ARMS: tuple[Arm, ...] = (
    Arm(NONE, "reference", "no noise"),
    Arm(LIFT, "method", "the scores with and without each noise, weighed", _LIFT),
    Arm(
        GATED,
        "method",
        f"`{LIFT}`, but clips of which the model is sure stay as they are",
        _LIFT,
        against=(LIFT,),
    ),
    Arm(LEARNED, "method", "one noise for all classes"),
    Arm("candidate", "other", "each class is scored on its own noise"),
    Arm("topk", "other", "the best classes without noise are scored on their own noise"),
    Arm("predicted", "other", "the noise of the class that is predicted without noise"),
    Arm(
        STACKED,
        "control",
        "scores without noise, under the noise for all classes and under a second one, weighed:"
        " equal effort without parts per class",
        _STACKED,
    ),
    Arm(SHUFFLED, "control", "another class's noise", _LIFT, another=True),
    Arm(RANDOM, "control", "random noise that is as strong", _LIFT, noise=RANDOM),
    Arm(
        SHUFFLED_LABELS,
        "control",
        "noise that was learned from shuffled labels",
        _LIFT,
        noise=SHUFFLED_LABELS,
    ),
    Arm(
        SHARED,
        "control",
        "the mean over the parts of all other classes: what they have in common",
        ("clean", "universal", "mean"),
    ),
    Arm(
        UNIVERSAL,
        "control",
        "one noise for all classes: that which the parts lie on, else one of equal effort",
    ),
    Arm(
        CALIBRATION,
        "control",
        "one bias per class and a temperature, fitted on training clips",
        ("clean",),
    ),
    *(
        Arm(head, "baseline", "a classifier that learned from the same clips", ("head",), head=head)
        for head in HEADS
    ),
    Arm(
        f"{BEST_HEAD} + universal",
        "baseline",
        f"the best of these, stacked with what `{STACKED}` uses",
        ("head", *_STACKED),
    ),
    Arm(
        f"{BEST_HEAD} + {LIFT}",
        "baseline",
        f"the best of these, stacked with what `{LIFT}` uses",
        ("head", *_LIFT),
        against=(f"{BEST_HEAD} + universal",),
    ),
    Arm(
        ORACLE,
        "leak",
        "the noise of the TRUE class: it leaks the label and does not measure recognition",
        ("clean", "universal", "true"),
    ),
)

CLASS_PARTS = {LEARNED, RANDOM, SHUFFLED_LABELS}
"""Noise that has a part for each class; other noise is one for all classes."""

PLACEBOS = {
    "another_class": SHUFFLED,
    "random": RANDOM,
    "shuffled_labels": SHUFFLED_LABELS,
}
"""The variants of the values of ``noise.placebos``."""

BY_NAME = {arm.name: arm for arm in ARMS}


def arm_of(variant: str) -> Arm:
    """Return the row of a variant, whose name may say that it leaks.

    Example:
        >>> arm_of("random (leaks the label)").said
        'random noise that is as strong'
    """
    return BY_NAME[variant] if variant in BY_NAME else BY_NAME[variant.removesuffix(LEAKS)]


def in_order(variants: Iterable[str]) -> list[str]:
    """Return names of variants in the order of the table.

    Example:
        >>> in_order(["oracle (leaks the label)", "universal", "none"])
        ['none', 'universal', 'oracle (leaks the label)']
    """
    rows = {arm.name: row for row, arm in enumerate(ARMS)}
    return sorted(variants, key=lambda name: rows[arm_of(name).name])


def pairs(variants: Iterable[str], headline: str) -> list[tuple[str, str]]:
    """Return the pairs that are compared: all with no noise, the headline with each control.

    Args:
        variants: their names.
        headline: one of them.

    Example:
        >>> pairs(["none", "lift", "shuffled"], "lift")
        [('lift', 'none'), ('shuffled', 'none'), ('lift', 'shuffled')]
    """
    names = [name for name in variants if name != NONE]
    compared = [(name, NONE) for name in names]
    compared += [
        (headline, name)
        for name in names
        if name != headline and arm_of(name).kind in ("control", "baseline")
    ]
    present = set(names)
    return compared + [
        (name, other) for name in names for other in arm_of(name).against if other in present
    ]


def nested_arms(
    *, gate: bool, controls: bool, placebos: Iterable[str], baselines: bool
) -> tuple[Arm, ...]:
    """Return the variants of nested noise whose scores are weighed, in the order of the table.

    Args:
        gate: whether there is one with a gate.
        controls: whether there are any but those of the method itself.
        placebos: keys of `PLACEBOS`, beside the controls.
        baselines: whether there are classifiers on frozen embeddings, beside the controls.
    """
    wanted = {LIFT, *([GATED] if gate else [])}
    if controls:
        wanted |= {STACKED, SHARED, CALIBRATION, ORACLE, *(PLACEBOS[name] for name in placebos)}
    heads = controls and baselines
    return tuple(arm for arm in ARMS if arm.name in wanted or (heads and "head" in arm.features))


def parts_needed(arms: Iterable[Arm], noise: str) -> tuple[Dealt, ...]:
    """Return which parts of a noise per class the stacks need of each clip.

    Args:
        arms: the variants.
        noise: its name.

    Example:
        >>> parts_needed([BY_NAME["lift"], BY_NAME["shuffled"]], "learned")
        ('own', 'another')
    """
    of_noise = [arm for arm in arms if arm.noise == noise]
    used = {
        "another" if arm.another else "own"
        for arm in of_noise
        if {"own", "mean"} & set(arm.features)
    }
    used |= {"true" for arm in of_noise if "true" in arm.features}
    return tuple(dealt for dealt in get_args(Dealt) if dealt in used)


def passes_under(noise: str, arms: Iterable[Arm], classes: int, top_k: int | None) -> int:
    """Return under how many parts of a noise the stacks need each clip, for C classes.

    Args:
        noise: its name.
        arms: the variants.
        classes: number of classes C.
        top_k: number of classes that are scored under a part; None for all.

    Example:
        >>> passes_under("learned", [BY_NAME["lift"]], 101, 5)
        5
    """
    if noise not in CLASS_PARTS:
        return 1
    if top_k is None:
        return classes
    count = min(top_k, classes)
    return sum(1 if part == "true" else count for part in parts_needed(arms, noise))
