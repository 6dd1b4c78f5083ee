"""No region source: no target can be found."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.data.clips import ClipSet
from clip_har.regions.source import Locator, OnEmpty

if TYPE_CHECKING:
    from clip_har.models.zero_shot import ZeroShot


class NoRegion(Settings):
    """Find no target; a mask that needs one raises an error."""

    finds_regions: ClassVar[bool] = False
    exact: ClassVar[bool] = False
    person_is_subject: ClassVar[bool] = False
    asks_model: ClassVar[bool] = False
    on_empty: ClassVar[OnEmpty] = "skip"
    min_frames: ClassVar[float] = 0.0
    every_mask: ClassVar[bool] = False
    least_confidence: ClassVar[float] = 0.0
    wrong: ClassVar[Path | None] = None

    def check(self, target: str) -> None:
        """Raise `ClipHarError` for every target."""
        raise ClipHarError(
            f"the mask needs to know where the {target} is, which region=none does not tell: use"
            " region=auto, or another source"
        )

    def uses_label(self, target: str) -> bool:  # noqa: ARG002
        """Return False."""
        return False

    def identity(self, clips: ClipSet) -> str:  # noqa: ARG002
        """Return an empty text."""
        return ""

    def locator(self, zero_shot: "Callable[[], ZeroShot]") -> Locator:  # noqa: ARG002
        """Raise `ClipHarError`: there is nothing to find targets with."""
        raise ClipHarError("region=none finds nothing")
