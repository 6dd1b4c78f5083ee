"""What the numbers of a finished cell were measured with, besides its own score table.

It is noted in the cell's manifest, which is written in one step with the numbers: another target
needs new numbers, but no new scores.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from pydantic import ValidationError

from clip_har.config.measures import MeasureSettings
from clip_har.core.checksum import Manifest
from clip_har.results.files import MEASURED


@dataclass(frozen=True)
class Measured:
    """What the numbers of a cell were measured with.

    Attributes:
        settings: the settings of the measures.
        references: the fingerprints of all reference cells that the cell has been measured with,
            by split; that of ``settings.reference`` is the one of its present numbers.
        numbers: the names of the numbers that depend on the settings.
    """

    settings: MeasureSettings = field(default_factory=MeasureSettings)
    references: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()

    @property
    def reference(self) -> str | None:
        """The fingerprint of the reference cell of the present numbers; None without one."""
        split = self.settings.reference
        return None if split is None else self.references.get(split)

    def facts(self) -> dict[str, Any]:
        """Return it as an entry of a manifest."""
        settings = self.settings.model_dump(mode="json")
        return {MEASURED: {**asdict(self), "settings": settings, "numbers": list(self.numbers)}}

    @classmethod
    def of(cls, manifest: Manifest | None) -> Self:
        """Return what a manifest notes; without an entry, or with one of another version, nothing.

        Such numbers count as measured without a target and a reference.
        """
        noted = {} if manifest is None else manifest.facts.get(MEASURED, {})
        try:
            settings = MeasureSettings(**noted.get("settings", {}))
        except ValidationError:
            return cls()
        return cls(settings, noted.get("references", {}), tuple(noted.get("numbers", ())))
