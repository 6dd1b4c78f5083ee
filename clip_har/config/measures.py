"""What is measured on top of the measures that every cell has."""

import difflib
from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


ALL_SHOTS: Literal["all"] = "all"
"""All training clips of each class."""

Shots = Annotated[int, Field(ge=1)] | Literal["all"]
ClassNames = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(min_length=1)]


class MeasureSettings(Settings):
    """Which event is detected, and where thresholds are chosen.

    They do not change what the model sees: a finished cell is not run again for them, only its
    numbers are computed again.

    Attributes:
        target: classes that count as one event, such as ``[falling, fallen]``, in the data set's
            spelling; null: no detection is measured.
        reference: split of the data set, such as ``val`` or ``train``, on whose clean clips
            thresholds and temperature are chosen; null: nothing that needs them is measured.
        sensitivity: share of the events that the operating point must find on the reference.
        coverage: share of clean clips whose conformal set must hold the true class; it takes
            coverage / (1 − coverage) groups in the reference.
        probe: training clips of each class for linear probes on the model's embeddings, such as
            ``[1, 4, 16, all]``; they come from ``reference``. null: no probe.
        probe_seeds: draws of these clips, for all but ``all``.
    """

    target: ClassNames | None = None
    reference: Annotated[str | None, Field(min_length=1)] = None
    sensitivity: Annotated[float, Field(gt=0, le=1)] = 0.9
    coverage: Annotated[float, Field(gt=0, lt=1)] = 0.9
    probe: Annotated[tuple[Shots, ...], Field(min_length=1)] | None = None
    probe_seeds: Annotated[int, Field(ge=1, le=100)] = 3

    @field_validator("probe", mode="before")
    @classmethod
    def _one_number_is_a_list(cls, value: Any) -> Any:
        listed = [value] if isinstance(value, str | int) else value
        if isinstance(listed, list | tuple):
            for one in listed:
                if one != ALL_SHOTS and not _is_number_of_clips(one):
                    raise ValueError(
                        f"expected numbers of clips of each class from 1, or {ALL_SHOTS}, such as"
                        f" [1,4,16,{ALL_SHOTS}]; got {one}"
                    )
        return listed

    @model_validator(mode="after")
    def _probe_has_clips(self) -> Self:
        if self.probe is not None and self.reference is None:
            raise ValueError(
                "probe needs labelled clips of another split: add measures.reference=train"
            )
        if self.probe is not None and len(set(self.probe)) < len(self.probe):
            raise ValueError(f"probe={list(self.probe)}: a number of shots occurs twice")
        return self

    def tags(self) -> dict[str, str]:
        """Return the settings as texts by full key, for the tracking store."""
        target = ", ".join(self.target) if self.target else "none"
        return {
            "measures.target": target,
            "measures.reference": self.reference or "none",
            "measures.sensitivity": f"{self.sensitivity:g}",
            "measures.coverage": f"{self.coverage:g}",
            "measures.probe": ", ".join(map(str, self.probe)) if self.probe else "none",
            "measures.probe_seeds": str(self.probe_seeds),
        }

    def target_labels(self, class_names: Sequence[str]) -> tuple[int, ...] | None:
        """Return the labels of the target's classes, in rising order; None without a target.

        Args:
            class_names: of the data set, in class order.

        Raises:
            ClipHarError: when a class is unknown, or the target is all classes.
        """
        if self.target is None:
            return None
        for name in self.target:
            if name not in class_names:
                raise ClipHarError(f"measures.target={name}: {_unknown(name, class_names)}")
        if set(self.target) == set(class_names):
            raise ClipHarError(
                f"measures.target: all {len(class_names)} classes are named; an event can only be"
                " told from at least one other class"
            )
        return tuple(sorted({class_names.index(name) for name in self.target}))


def _is_number_of_clips(value: object) -> bool:
    if isinstance(value, str):
        return value.isdecimal() and int(value) >= 1
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _unknown(name: str, class_names: Sequence[str]) -> str:
    folded = {known.casefold(): known for known in class_names}
    near = difflib.get_close_matches(name.casefold(), folded, n=3)
    if near:
        return f"no such class; did you mean {' or '.join(folded[one] for one in near)}?"
    some = ", ".join(class_names[:5])
    return f"no such class; the data set has {len(class_names)}, such as {some}"
