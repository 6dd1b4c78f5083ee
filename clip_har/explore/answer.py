"""The answer of the page: one clip under the chosen mask and noise, beside its clean twin."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_from_config, clean_config
from clip_har.config.fingerprint import fingerprint
from clip_har.config.one_cell import composed
from clip_har.core.addresses import hide_logins
from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet, clips_of
from clip_har.engine.answers import caution
from clip_har.engine.preflight import preflight
from clip_har.explore.choices import Offer, check_texts, offer, on_other_data
from clip_har.explore.controls import Value
from clip_har.explore.uploads import as_data
from clip_har.explore.what_if import View, view_of
from clip_har.prompts.class_list import classes_in_line
from clip_har.tracking.none import NoTracking

_UPLOADS = "explore"  # folder in the cache


@dataclass(frozen=True, eq=False)
class Answer:
    """What a clip's model answers before and after.

    Attributes:
        clip_id: the clip.
        class_names: C names.
        label: the true class; None if it is not known.
        before: without mask and noise.
        after: with them.
        cautions: what must be known about data and model.
    """

    clip_id: str
    class_names: tuple[str, ...]
    label: int | None
    before: View
    after: View
    cautions: tuple[str, ...]


@dataclass(frozen=True)
class Upload:
    """An own video.

    Attributes:
        path: the file.
        classes: a line of own class names; empty for those of the configured data set.
        label: the true class; None if it is not known.
    """

    path: Path
    classes: str = ""
    label: str | None = None


class Explorer:
    """Answers for the clips of one data set, or for own videos, with one model.

    Attributes:
        words: overrides that it was started with, without the logins in addresses.
        cell: the cell that they name.
        clips: its clips.

    Raises:
        ClipHarError: when the words do not name one cell, or something that it needs is missing.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(hide_logins(word) for word in words)  # the page shows them
        config, _ = composed(self.words)
        self.cell = cell_from_config(config)
        self.clips = preflight(self.cell.model_copy(update={"tracking": NoTracking()}))
        self._lock = threading.Lock()
        self._offers = lru_cache(maxsize=64)(lambda chosen: offer(self.words, dict(chosen)))
        self._before: tuple[str, View] | None = None

    def offer(self, chosen: Mapping[str, str] | None = None) -> Offer:
        """Return what can be set for the chosen options; None for those that it started with."""
        return self._offers(tuple((chosen or {}).items()))

    @property
    def uploads(self) -> Path:
        """The folder where own videos are kept."""
        return self.cell.cache_dir / _UPLOADS

    def class_names(self, line: str) -> tuple[str, ...]:
        """Return the classes of an own video: those of a line, or else the configured ones."""
        return classes_in_line(line, "own classes") or self.clips.class_names

    def words_for(
        self,
        chosen: Mapping[str, str],
        values: Mapping[str, Value],
        upload: Upload | None = None,
    ) -> tuple[str, ...]:
        """Return the overrides of the chosen cell.

        Args:
            chosen: the option of each group.
            values: of the controls, by key.
            upload: an own video; None for the configured data set.

        Raises:
            ClipHarError: when an option does not exist, a text has ``${``, or the upload is not a
                video.
        """
        words = self.offer(chosen).with_values(values)
        if upload is None:
            return words
        check_texts({"own classes": upload.classes, "true class": upload.label})
        names = self.class_names(upload.classes)
        if upload.label is not None and upload.label not in names:
            raise ClipHarError(f"true class: {upload.label} is not one of {', '.join(names[:5])}…")
        label = None if upload.label is None else names.index(upload.label)
        data = as_data(upload.path, names, label, folder=self.uploads)
        if names != self.clips.class_names and self.cell.prompts.class_names is not None:
            data.append("prompts.class_names=null")  # they name the configured classes
        return on_other_data(words, data)

    def answer(
        self, words: Sequence[str], clip_id: str | None = None, *, knows_label: bool = True
    ) -> Answer:
        """Show one clip of a cell to its model, before and after.

        Args:
            words: overrides of the cell, see `words_for`.
            clip_id: one of its clips; None for the first.
            knows_label: whether the true class of the clip is known.

        Raises:
            ClipHarError: when the cell is impossible, or as `view_of`.
        """
        config, _ = composed(words)
        cell = cell_from_config(config)
        if cell.uses_label and not knows_label:
            raise ClipHarError("this mask or noise uses the true class: choose the true class")
        clips = clips_of(cell.dataset, cell.limit, cell.classes)
        clip = _clip(clips, clip_id)
        twin = cell_from_config(clean_config(config))
        with self._lock:  # one model, and one device
            before = self._clean(twin, clips, clip)
            is_clean = cell.masking.is_clean and cell.noise.is_clean
            after = before if is_clean else view_of(cell, clips, clip)
        known = (cell.dataset.caution, caution(cell, clips.class_names))
        cautions = tuple(text for text in known if text)
        label = clip.label if knows_label else None
        return Answer(clip.id, clips.class_names, label, before, after, cautions)

    def _clean(self, twin: Cell, clips: ClipSet, clip: Clip) -> View:
        """Return the view of a clip in the clean twin; the last one is kept."""
        key = f"{fingerprint(twin, clips)} {clip.id}"
        if self._before is None or self._before[0] != key:
            self._before = (key, view_of(twin, clips, clip))
        return self._before[1]


def _clip(clips: ClipSet, clip_id: str | None) -> Clip:
    found = [clip for clip in clips.clips if clip_id in (None, clip.id)]
    if not found:
        raise ClipHarError(f"{clip_id}: there is no such clip in {clips.title}")
    return found[0]
