"""What learned noise per class has in common: protocols, and the variants that they give."""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from clip_har.core.settings import Role
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.learning_settings import Count, LossWeights
from clip_har.noise.learned.protocols import (
    LEAKS,
    LIFTS,
    PROTOCOLS,
    Protocol,
    apply_protocol,
    derangement,
    needed,
    used,
    variant_name,
)
from clip_har.noise.variants import (
    LEARNED,
    RANDOM,
    SHUFFLED,
    UNIVERSAL,
    ChooseColumns,
    Scores,
    Variant,
    first_column,
)


class PerClass(Learned):
    """What noise per class has in common.

    Attributes:
        wrong: number of wrong classes whose δ each training clip gets, besides its own.
        protocol: how predictions are made without the label; ``oracle`` uses the label.
        top_k: candidates of ``protocol=topk``.
    """

    per_class: ClassVar[bool] = True
    protocols: ClassVar[tuple[Protocol, ...]] = PROTOCOLS
    """The protocols that it can be used with."""

    loss: LossWeights = LossWeights(cross_entropy=0.3, ranking=1.0)
    wrong: Count = 3
    protocol: Annotated[Protocol, Role.USE] = "candidate"
    top_k: Annotated[Count, Role.USE] = 5

    @field_validator("protocol")
    @classmethod
    def _fits(cls, value: Protocol) -> Protocol:
        if value not in cls.protocols:
            other = "noise=nested" if value in LIFTS else "other noise per class"
            raise ValueError(f"expected {', '.join(cls.protocols)}; {value} needs {other}")
        return value

    @property
    def uses_label(self) -> bool:
        """Whether the noise that a clip gets depends on its true label: a leak."""
        return self.protocol == "oracle"

    def wrong_classes(self, classes: int) -> int:
        """Return the number of wrong classes whose noise each training frame gets, of C classes."""
        return min(self.wrong, classes - 1)

    @property
    def headline(self) -> str:
        """The name of its protocol."""
        return variant_name(self.protocol)

    def passes(self, classes: int) -> int:
        """Return how often each frame of a clip passes through the model, for C classes.

        Once without noise, then once for each class that the protocol needs. With controls: under
        each class's noise, each class's random noise, and the noise for all classes.
        """
        if not self.changes_pixels:  # a frame is embedded once, and its embedding is shifted
            return 2 if self.controls else 1
        if self.controls:
            return 2 + 2 * classes
        needed = {"candidate": classes, "topk": min(self.top_k, classes)}
        return 1 + needed.get(self.protocol, 1)

    def columns_needed(self, labels: NDArray[np.int64]) -> ChooseColumns | None:
        """Return the columns that the protocol needs; None for all columns, as controls need."""
        if self.controls:
            return None

        def choose(_: str, clean: Scores, rows: slice) -> NDArray[np.int64]:
            return needed(self.protocol, clean, labels=labels[rows], top_k=self.top_k)

        return choose

    @property
    def plain_variants(self) -> tuple[str, ...]:
        """The names of a variant per protocol, and of the controls that add noise."""
        # Without controls, only the scores that the cell's own protocol needs are computed.
        if not self.controls:
            return (self.headline,)
        leak = LEAKS if self.uses_label else ""
        placebos = (RANDOM + leak, SHUFFLED + leak)
        return (*map(variant_name, PROTOCOLS), *placebos, UNIVERSAL)

    def variants(
        self, clean: Scores, noisy: Mapping[str, Scores], labels: NDArray[np.int64]
    ) -> dict[str, Variant]:
        """Return a variant per protocol, and the controls that add noise."""
        use = partial(apply_protocol, clean=clean, labels=labels, top_k=self.top_k)
        wanted, own, found = self.plain_variants, noisy[LEARNED], {}
        for protocol in PROTOCOLS:
            if variant_name(protocol) in wanted:
                scores, columns = use(protocol, noisy=own)
                found[variant_name(protocol)] = Variant(scores, LEARNED, columns)
        for name in wanted:
            if name.startswith(RANDOM):
                scores, columns = use(self.protocol, noisy=noisy[RANDOM])
                found[name] = Variant(scores, RANDOM, columns)
            elif name.startswith(SHUFFLED):
                partner = derangement(own.shape[1], seed=self.seed)
                scores, columns = use(self.protocol, noisy=own[:, partner])
                found[name] = Variant(scores, LEARNED, partner[columns])
            elif name == UNIVERSAL:
                found[name] = first_column(noisy[UNIVERSAL][:, 0], UNIVERSAL)
        return found

    def used_columns(
        self, clean: Scores, scores: Scores, labels: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the class whose noise each clip's prediction was made under, ``(N,)``."""
        return used(self.protocol, clean, scores, labels=labels)
