"""Show own videos to a model, window by window, without labels and without a result on disk."""

import math
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import count, pairwise, takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from omegaconf import DictConfig, OmegaConf

from clip_har.config.cell import Cell
from clip_har.config.compose import build, cell_from_config
from clip_har.config.one_cell import composed, key_of
from clip_har.core.errors import ClipHarError
from clip_har.core.progress import track
from clip_har.core.work_ahead import work_ahead
from clip_har.data.clips import ClipSet, ClipSource
from clip_har.data.decode.passes import Window
from clip_har.data.decode.sections import read_in_order
from clip_har.data.decode.windows import Timeline, cut_windows, timeline
from clip_har.data.frames.build import fitted_clip
from clip_har.data.frames.held import HeldFrames
from clip_har.data.frames.index import Entry
from clip_har.data.image_files import is_of_images
from clip_har.data.sources.own_videos import OwnVideos
from clip_har.engine.answers import caution, frames_of_answer, noise_without_controls
from clip_har.engine.clips import find_masked, frame_settings
from clip_har.engine.load_model import load_classifier
from clip_har.engine.preflight import check_model
from clip_har.engine.score_variants import score_variants
from clip_har.masking.masked_clips import MaskedClips
from clip_har.masking.on_empty import refuse_empty
from clip_har.models.zero_shot import Classifier, of_frames
from clip_har.noise.contract import CellNoise
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.identity import STACKS_FILE, given_stacks
from clip_har.predict.prediction import Prediction, Tile
from clip_har.predict.times import clock
from clip_har.prompts.spelling import spaced
from clip_har.results.costs import Cost

_NO_RATE = "images state no frame rate: they are shown as one clip; --fps says it"
_AT_ONCE = 256  # frames in memory; a longer window goes alone
_GAPS = 3  # that a note names
_AHEAD = 2  # parts of a video that are decoded while the model works
_OF_A_LIST = ("limit", "classes", "shard")  # keys that choose clips of a data set


class LeftOutError(ClipHarError):
    """Nothing of a video was shown to the model; the message is the reason."""


class _Place(NamedTuple):
    """Where a tile is: its time, its window, and which of the window's frames is on screen."""

    time: float
    window: int
    frame: int


@dataclass(frozen=True, eq=False)
class _Part:
    """Some windows of a video in a row.

    Attributes:
        first: number of the first one.
        frames: their frames.
    """

    first: int
    frames: HeldFrames


class Predictor:
    """Answers for own videos with one model.

    Attributes:
        cell: the checked settings.
        words: overrides that they come from.
        class_names: C names.
        every: length of a window, seconds; infinite for one window per video.
        fps: frames per second of images; None = not known: they are one window.

    Raises:
        ClipHarError: when the words do not name one cell, need a label or a region that own videos
            do not have, or something that the model needs is missing.
    """

    def __init__(
        self,
        words: Sequence[str],
        class_names: Sequence[str] = (),
        *,
        every: float = 2.0,
        fps: float | None = None,
    ) -> None:
        config, options = composed(words)
        names = tuple(class_names) or _listed(config)
        self.words = tuple(words)
        self._option = options["model"]
        self.every = every
        self.fps = fps
        self.videos = OwnVideos(class_names=names)
        self.cell = _cell(config, words, self.videos)
        self.settings = frame_settings(self.cell)
        self._noise: CellNoise | None = None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that the model chooses from."""
        return self.videos.class_names

    @cached_property
    def classifier(self) -> Classifier:
        """The model with its classes; loaded at its first use."""
        # Only the classes count here.
        return load_classifier(self.cell, self.videos.windows(Path("video"), [Window()]))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What must be known about all answers of the model."""
        found = caution(self.cell, self.class_names)
        return (*([found] if found else []), *self.cell.notes())

    @property
    def description(self) -> str:
        """A few words about the model, the mask and the noise."""
        masking, noise = self.cell.masking, self.cell.noise
        found = [self._model()]
        if not masking.is_clean:
            ratio = "" if masking.ratio is None else f" {100 * masking.ratio:g} %"
            found.append(f"mask: {masking.label}{ratio}")
        if not noise.is_clean:
            found.append(f"noise: {spaced(type(noise).__name__.removesuffix('Noise'))}")
        return ", ".join(found)

    def _model(self) -> str:
        """Return the option of the model, and the weights that it stands for."""
        model = self.cell.model
        weights = [model.checkpoint] if model.checkpoint != self._option else []
        tuned = getattr(model, "weights", None)
        weights += [] if tuned is None else [Path(tuned).name]
        return f"{self._option} ({' with '.join(weights)})" if weights else self._option

    def predict(self, path: Path, *, tiles: int = 0) -> Prediction:
        """Show the windows of a video to the model.

        Args:
            path: the video; or an image, a folder of images, or a zip of images.
            tiles: number of frames that are kept as the model saw them, at most.

        Raises:
            DecodeError: when the video cannot be decoded.
            LeftOutError: when the mask's target is not found, or the mask leaves too little.
            ClipHarError: when something that the settings need is missing.
        """
        rate = self.fps if is_of_images(path) else None
        found = timeline(path, self.settings, fps=rate)
        is_timed = rate is not None or not is_of_images(path)
        windows = cut_windows(found, self.every) if is_timed else [Window()]
        clips = self.videos.windows(path, windows, fps=rate)
        edges = [*(window.start for window in windows), found.seconds]
        places = _places(edges, found.times, min(tiles, self._most_frames(len(windows))))
        pictures: dict[_Place, NDArray[np.uint8]] = {}
        probabilities = np.full((len(windows), len(self.class_names)), np.nan)
        frames_seen = [0] * len(windows)
        said: list[str] = []
        parts = self._parts(path, windows, clips)
        # One thread: the parts of a video come one after the other.
        ahead = work_ahead(lambda _: next(parts, None), count(), threads=1, limit=_AHEAD)
        with track(len(windows), f"predicting {clips.clips[0].group}") as advance, closing(ahead):
            for part in takewhile(lambda part: part is not None, ahead):
                assert part is not None  # noqa: S101
                with TemporaryDirectory(prefix="clip-har-") as folder:
                    answers = self._answers(part, Path(folder))
                    rows = slice(part.first, part.first + len(part.frames.entries))
                    probabilities[rows] = answers.probabilities
                    for index in answers.masked.evaluated:
                        frames_seen[part.first + index] = int(part.frames.lengths[index])
                    said += answers.said()
                    pictures |= answers.pictures(places, part.first)
                advance(len(part.frames.entries))
        if not any(frames_seen):
            raise LeftOutError(said[0])
        without = frames_seen.count(0)
        notes = [f"{without} of {len(windows)} windows are left out: {said[0]}"] if without else []
        if is_timed:
            notes += _gaps(found, self.every)
        else:
            edges[-1] = math.nan
            notes += [_NO_RATE] if len(found.times) > 1 else []
        return Prediction(
            path=path,
            class_names=self.class_names,
            frames=len(found.times),
            fps=found.fps,
            edges=edges,
            probabilities=probabilities,
            frames_seen=frames_seen,
            tiles=[Tile(place.time, pictures.get(place)) for place in places],
            notes=tuple(notes),
        )

    def _most_frames(self, windows: int) -> int:
        """Return how many frames of some windows the model is shown, where it is known before."""
        match self.settings.sampler:
            case "uniform":
                return windows * self.settings.count
            case "middle":
                return windows
        return sys.maxsize

    def _parts(self, path: Path, windows: Sequence[Window], clips: ClipSet) -> Iterator[_Part]:
        """Yield the decoded windows of a video, as many at once as `_AT_ONCE` allows."""
        entries: list[Entry] = []
        pixels: list[NDArray[np.uint8]] = []
        first = 0
        decoded = read_in_order(path, self.settings, windows, fps=clips.clips[0].fps)
        for number, (clip, source) in enumerate(zip(clips.clips, decoded, strict=True), 1):
            entry, fitted = fitted_clip(clip, source, self.settings)
            fitted.flags.writeable = False
            entries.append(entry)
            pixels.append(fitted)
            if number == len(windows) or sum(map(len, pixels)) >= _AT_ONCE:
                some = replace(clips, clips=clips.clips[first:number])
                yield _Part(first, HeldFrames(some, entries, pixels, settings=self.settings))
                entries, pixels, first = [], [], number

    def _answers(self, part: _Part, folder: Path) -> "_Answers":
        """Show some windows to the model; ``folder`` keeps what is found in their frames."""
        classifier = self.classifier
        if self._noise is None:
            paths = (part.frames.clip_set.clips[0].path,)
            videos = self.videos.model_copy(update={"paths": paths})
            cell = self.cell.model_copy(update={"dataset": videos})
            self._noise = noise_without_controls(cell, part.frames, classifier)
        own = self.cell.model_copy(update={"cache_dir": folder})
        masked = find_masked(own, part.frames, zero_shot=partial(of_frames, classifier))
        if masked.empty and masked.on_empty == "error":
            refuse_empty(masked.on_empty, masked.empty_message())
        return _Answers.of(self.cell, masked, classifier, self._noise)


@dataclass(frozen=True, eq=False)
class _Answers:
    """The answers for some windows: their probabilities, and the frames that were seen."""

    masked: MaskedClips
    probabilities: NDArray[np.float64]
    _seen: "partial[NDArray[np.uint8]] | None"

    @classmethod
    def of(
        cls, cell: Cell, masked: MaskedClips, classifier: Classifier, noise: CellNoise
    ) -> "_Answers":
        """Score windows under their mask."""
        clips = masked.frames.clip_set
        found = np.full((len(clips.clips), len(clips.class_names)), np.nan)
        if not masked.evaluated:
            return cls(masked, found, None)
        tables = score_variants(cell, masked, classifier, noise, clean=None, cost=Cost())
        found[masked.evaluated] = tables[noise.headline].probabilities()
        seen = partial(frames_of_answer, noise=noise, tables=tables, classifier=classifier)
        return cls(masked, found, seen)

    def said(self) -> list[str]:
        """Return why windows were left out."""
        found = []
        if self.masked.empty and self.masked.on_empty != "whole":
            found.append(f"no {self.masked.masking.feature} was found in them")
        if self.masked.covered:
            found.append("the mask leaves too little of them (masking.min_kept)")
        return found

    def pictures(self, places: Sequence[_Place], first: int) -> dict[_Place, NDArray[np.uint8]]:
        """Return the frames as the model saw them at some places, ``(S, S, 3)`` uint8.

        Args:
            places: of the whole video.
            first: number of the first window here.
        """
        found = {}
        for row, index in enumerate(self.masked.evaluated):
            here = [place for place in places if place.window == first + index]
            if here and self._seen is not None:
                clip = self.masked.clip(index)
                frames = self._seen(clip, row)  # (T, 3, S, S)
                # Which frame of the window is shown at each place; views come one after the other.
                indices = np.array(self.masked.frames.entries[index].indices)[clip.places]
                views = np.split(np.arange(len(frames)), self.masked.frames.settings.crops)
                middle = views[len(views) // 2]
                for place in here:
                    nearest = middle[np.abs(indices[middle] - place.frame).argmin()]
                    found[place] = frames[nearest].transpose(1, 2, 0).copy()
        return found


def _listed(config: DictConfig) -> tuple[str, ...]:
    """Return the classes of the configured data set."""
    source: ClipSource = build(config.dataset, "dataset")  # type: ignore[assignment]
    return source.clips().class_names


def _cell(config: DictConfig, words: Sequence[str], videos: OwnVideos) -> Cell:
    """Return the checked settings with own videos as the data set."""
    own = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    assert isinstance(own, DictConfig)  # noqa: S101, as its source is
    own.dataset = {"_target_": f"{OwnVideos.__module__}.{OwnVideos.__qualname__}"}
    if "controls" in own.noise:
        own.noise.controls = False  # the answers do not need them
    cell = cell_from_config(own)
    _refuse(cell)
    length = cell.model.clip_length()
    frames = cell.frames
    if length is not None and not {"frames.count", "frames.sampler"} & set(map(key_of, words)):
        frames = frames.model_copy(update={"sampler": "uniform", "count": length})
    # The subject is looked for only where a mask or noise needs it: nothing is measured.
    region = cell.region.model_copy(update={"every_mask": False})  # type: ignore[attr-defined]
    # Frames are let go; they never stay on a device.
    frames = frames.model_copy(update={"resident": False})
    cell = cell.model_copy(update={"dataset": videos, "frames": frames, "region": region})
    check_model(cell, videos.class_names)
    return cell


def _refuse(cell: Cell) -> None:
    """Refuse settings that need what own videos do not have.

    Raises:
        ClipHarError: for the first of them.
    """
    if cell.uses_label:
        raise ClipHarError(
            "this mask or noise uses the true class, which is not known here: choose another, such"
            " as noise.protocol=candidate instead of oracle"
        )
    if cell.masking.swaps_scene:
        raise ClipHarError(
            "this mask shows the background of a clip of another class, and no class is known here:"
            " use another mask, such as masking=background_only"
        )
    needed = cell.masking.targets or cell.noise.needs_region
    if needed and cell.region.exact:
        raise ClipHarError(
            "region=annotation: no maps come with these videos; use region=subject, or another"
            " source that finds the target in the frames"
        )
    noise = cell.noise
    if noise.is_learned and getattr(noise, "file", None) is None:
        raise ClipHarError(
            "noise is learned from clips with labels, and none are here: name what a run learned,"
            " noise.file=<its cell's folder>/noise/noise.safetensors, with the classes of that run"
        )
    if isinstance(noise, Learned) and noise.arms and given_stacks(noise) is None:
        raise ClipHarError(
            f"noise.file={noise.file}: expected {STACKS_FILE} beside it, the weights of its scores,"
            " which cannot be fitted without labels: copy it too, from the same folder"
        )
    if cell.region.wrong is not None:
        raise ClipHarError(
            f"region.wrong={cell.region.wrong} marks clips of a data set: leave it out"
        )
    for key in _OF_A_LIST:
        if (value := getattr(cell, key)) is not None:
            raise ClipHarError(
                f"{key}={value} chooses clips of a data set: leave it out and name the videos"
            )


def _gaps(found: Timeline, every: float) -> list[str]:
    """Return a note if a video shows no new frame for longer than a window."""
    gaps = [(before, after) for before, after in pairwise(found.times) if after - before > every]
    if not gaps:
        return []
    texts = [f"{clock(before)} to {clock(after)}" for before, after in gaps[:_GAPS]]
    more = f" and {len(gaps) - _GAPS} more times" * (len(gaps) > _GAPS)
    return [f"no new frame from {', '.join(texts)}{more}: windows there are longer"]


def _places(edges: Sequence[float], times: Sequence[float], tiles: int) -> list[_Place]:
    """Return where tiles are that spread evenly over a video.

    Args:
        edges: where windows begin, and where the last one ends, seconds.
        times: of the video's frames, seconds, ascending.
        tiles: how many.
    """
    begin, end = edges[0], edges[-1]
    found = []
    for number in range(tiles):
        time = begin + (number + 0.5) / tiles * (end - begin)
        window = int(np.searchsorted(edges[1:-1], time, side="right"))
        before = bisect_left(times, edges[window])  # frames of earlier windows
        found.append(_Place(time, window, max(0, bisect_right(times, time) - 1 - before)))
    return found
