"""The source that is used if none is named: what the data bring, else an estimate."""

from clip_har.core.errors import ClipHarError
from clip_har.regions.annotation import AnnotationRegion
from clip_har.regions.source import RegionSettings, RegionSource
from clip_har.regions.subject import SubjectRegion


class AutoRegion(SubjectRegion):
    """Stand for ``annotation`` where the data bring maps, and for ``subject`` elsewhere.

    Its settings are those of ``subject``. It is resolved when a cell is made, so that every
    name, card and page says which of the two it was.

    Attributes:
        every_mask: False, since an estimate takes time.
    """

    every_mask: bool = False

    def source(self, *, brings_maps: bool) -> RegionSource:
        """Return the source that it stands for.

        Args:
            brings_maps: whether exact maps come with the clips.

        Raises:
            ClipHarError: when they do, and a setting of the estimate is given.
        """
        if brings_maps:
            self._refuse_unused()
            common = self.model_dump(include=set(RegionSettings.model_fields))
            return AnnotationRegion(**common)
        return SubjectRegion(**self.model_dump())

    def _refuse_unused(self) -> None:
        for name in ("confidence", "model"):
            value = getattr(self, name)
            if value != SubjectRegion.model_fields[name].default:
                raise ClipHarError(
                    f"region.{name}={value}: the data bring maps, which region=auto reads; use"
                    " region=subject to estimate the subject instead"
                )
