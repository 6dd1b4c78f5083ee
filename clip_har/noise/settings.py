"""The base class of the options of ``conf/noise``."""

from typing import TYPE_CHECKING, ClassVar

from clip_har.core.settings import Settings

if TYPE_CHECKING:
    from clip_har.noise.cell import LearningCell


class NoiseSettings(Settings):
    """The base class of all noise options: what the rest of the package uses of them."""

    is_clean: ClassVar[bool] = False
    """Whether it changes nothing."""
    is_learned: ClassVar[bool] = False
    """Whether it is learned from training clips, see `clip_har.noise.learned.settings.Learned`."""

    @property
    def uses_label(self) -> bool:
        """Whether the noise that a clip gets depends on its true label: a leak."""
        return False

    def check(self, cell: "LearningCell") -> None:
        """Check that the rest of the cell provides what the noise needs; here nothing is needed.

        Args:
            cell: the checked settings.
        """
