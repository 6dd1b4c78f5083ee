"""The plan of a command: its cells, which of them have a result, and what the others would take."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from clip_har.config.cell import Cell
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import FrameStore, store_folder
from clip_har.data.sampling import FrameSettings
from clip_har.engine.clips import frame_settings
from clip_har.engine.job import Job, Prepared, prepared
from clip_har.engine.run import find_result, may_be_reused
from clip_har.masking.masked_clips import targets_of
from clip_har.noise.learned.base import Learned
from clip_har.noise.learned.per_class import PerClass
from clip_har.regions.store import has_maps, seen_settings
from clip_har.results.names import MASK, Words, cell_name
from clip_har.results.result import Result
from clip_har.results.speed import Rate, Speed, earlier_speed
from clip_har.results.sweep import Sweep
from clip_har.sweeps.start import CheckedJob, varying_keys
from clip_har.sweeps.timing import Timing
from clip_har.tracking.none import NoTracking

State = Literal["done", "to do", "skipped", "to join", "there"]
"""Has a result; has none; failed before and is not run again; all its shards are done; is in the
cache."""

_CELL, _ROW = 400_000, 120  # bytes of a result: pictures and tables; of a clip, beside its scores


@dataclass(frozen=True)
class Step:
    """One row of a plan.

    Attributes:
        what: a cell, or what is made once for several cells.
        state: whether it is there already.
        frames: frames that pass through the model, at most; None if that is not known.
        disk: bytes that are written, about; None if that is not known.
        seconds: estimated time in one process; None if it is not known.
        is_cell: whether it is a cell; a clean twin and a reference are cells, too.
    """

    what: str
    state: State
    frames: int | None = 0
    disk: int | None = 0
    seconds: float | None = 0.0
    is_cell: bool = False

    @property
    def is_to_do(self) -> bool:
        """Whether a run would make it."""
        return self.state in ("to do", "to join")


@dataclass(frozen=True)
class Plan:
    """What a command would do.

    Attributes:
        steps: cells in the order in which they run, then what is made once for several of them.
        equal: the number of cells that were typed and are equal to another one.
        results_dir: the folder of the results.
        speed: by the name of the model.
    """

    steps: Sequence[Step]
    equal: int
    results_dir: Path
    speed: dict[str, Speed] = field(default_factory=dict)


def plan_of(jobs: Sequence[CheckedJob], timing: Timing | None = None) -> Plan:
    """Return what a command would do; nothing is run or written for it.

    Args:
        jobs: the cells of the command, at least one.
        timing: measures what earlier cells do not tell of the speed; None to leave it unknown.
    """
    return _Planner(jobs, timing).plan()


class _Planner:
    """Finds out for each cell of a command what it would take."""

    def __init__(self, jobs: Sequence[CheckedJob], timing: Timing | None) -> None:
        self.jobs = jobs
        self.timing = timing
        self.varying = varying_keys([job.overrides for job in jobs])
        self.words = Words.of(job.varies(self.varying) for job in jobs)
        self.speeds: dict[str, Speed] = {}
        self.cells: dict[tuple[str, str], Step] = {}
        self.once: dict[Path, Step] = {}
        self.equal = 0

    def plan(self) -> Plan:
        """Return the plan."""
        for number, job in enumerate(self.jobs):
            self._add_job(number, job)
        steps = (*self.cells.values(), *self.once.values())
        return Plan(steps, self.equal, self.jobs[0].cell.results_dir, self.speeds)

    def _add_job(self, number: int, job: CheckedJob) -> None:
        config, choices = job.resolved()
        varies = job.varies(self.varying)
        sweep = Sweep(None, self.varying, len(self.jobs), "", "", self.words)
        run = prepared(config, job.cell, Job(job.overrides, choices, sweep), varies)
        shard = str(job.cell.shard or "")
        reference = run.reference()
        kept = None if reference is None else Result.at(reference.folder)
        if reference is not None:
            self._add_other(reference, None, shard)
        twin = run.clean_twin() if run.cell.clean_twin else None
        if twin is not None:
            self._add_other(twin, kept, shard)
        again = str(number) if run.cell.overwrite == "always" else ""
        key = (run.info.fingerprint, shard + again)
        if key in self.cells:
            self.equal += 1
            return
        compared = None if twin is None else twin.folder
        self._add_cell(key, run, run.info.name, _state(run, compared, kept))

    def _add_other(self, run: Prepared, reference: Result | None, shard: str) -> None:
        """Add a clean twin or a reference, unless it is one of the cells."""
        ours = {(job.fingerprint, str(job.cell.shard or "")) for job in self.jobs}
        key = (run.info.fingerprint, shard)
        if key in self.cells or key in ours:
            return
        found = find_result(run, reference)
        state = _of_shard(run) if shard else _unfinished(run)
        if found is not None and (found.is_up_to_date or may_be_reused(found, run, None)):
            state = "done"
        rest = {name: value for name, value in run.info.varies.items() if name != MASK}
        name = f"{run.info.name} {cell_name(rest, self.words)}".strip()
        self._add_cell(key, run, name, state)

    def _add_cell(self, key: tuple[str, str], run: Prepared, name: str, state: State) -> None:
        cell, clips = run.cell, run.clips
        if state in ("done", "skipped"):
            self.cells[key] = Step(name, state, is_cell=True)
            return
        shown = clips if cell.shard is None else cell.shard.of(clips)
        self._add_stores(cell, shown)
        frames = None
        if (count := self._frames(cell, shown)) is not None:
            frames = _passes(cell, len(shown.clips), len(shown.class_names), count)
            if state == "to join":
                frames -= count * cell.noise.passes(len(shown.class_names))
        seconds = None
        if frames is not None and (speed := self._rate("frames_per_second", cell, clips)):
            seconds = frames / speed + self._speed(cell).rest
        scores = len(shown.clips) * (4 * len(shown.class_names) + _ROW) * _tables(cell)
        disk = (_CELL + scores) * (1 if isinstance(cell.tracking, NoTracking) else 2)
        self.cells[key] = Step(name, state, frames, disk, seconds, is_cell=True)

    def _add_stores(self, cell: Cell, shown: ClipSet) -> None:
        """Add what is made before a cell runs, and kept for others: frames, maps, noise."""
        self._add_frames(cell, shown, frame_settings(cell))
        targets = targets_of(cell.masking, cell.region, subject=cell.finds_regions)
        for target in targets if cell.region.finds_regions else ():
            self._add_maps(cell, shown, target)
        if isinstance(cell.noise, Learned):
            self._add_noise(cell, cell.noise)

    def _add_frames(self, cell: Cell, clips: ClipSet, settings: FrameSettings) -> None:
        folder = store_folder(clips, settings, cell.cache_dir)
        if folder in self.once:
            return
        size, *_ = settings.geometry()
        each = "" if settings.sampler != "uniform" else f"{settings.kept_frames()} a clip, "
        what = f"frames of {clips.title}, {each}{size} px"
        if _store(cell, clips, settings) is not None:
            self.once[folder] = Step(what, "there")
            return
        count = _known_frames(settings, len(clips.clips))
        disk = None if count is None else count * 3 * size**2
        spent = self._rate("decode", cell, clips)
        seconds = None if spent is None else spent * len(clips.clips)
        self.once[folder] = Step(what, "to do", disk=disk, seconds=seconds)

    def _add_maps(self, cell: Cell, clips: ClipSet, target: str) -> None:
        settings = seen_settings(cell.region, frame_settings(cell))
        if settings != frame_settings(cell):
            self._add_frames(cell, clips, settings)
        kind = type(cell.region).__name__
        key = store_folder(clips, settings, cell.cache_dir) / kind / target
        if key in self.once:
            return
        store = _store(cell, clips, settings)
        what = f"region maps of {target} in {clips.title}"
        asks = cell.region.asks_model  # and its maps cannot be found without loading it
        kept = None if asks else store
        if kept is not None and has_maps(cell.region, target, kept, cache_dir=cell.cache_dir):
            self.once[key] = Step(what, "there")
            return
        size, *_ = settings.geometry()
        count = self._frames(cell, clips)
        spent = self._rate("regions", cell, clips)
        self.once[key] = Step(
            what,
            "to do",
            frames=count if asks else 0,
            disk=None if count is None else count * size**2,
            seconds=None if spent is None else spent * len(clips.clips),
        )

    def _add_noise(self, cell: Cell, noise: Learned) -> None:
        # Imported here: learned noise imports torch, which takes seconds.
        from clip_har.noise.learned.identity import training_clips
        from clip_har.sweeps.effort import efforts

        found = efforts(noise, cell, lambda clips: self._frames(cell, clips))
        for one in found:
            if one.path in self.once:
                continue
            if one.path.is_file():
                self.once[one.path] = Step(one.what, "there")
                continue
            clips = training_clips(cell.dataset, noise.learning.train_clips, cell.classes)
            self._add_frames(cell, clips, frame_settings(cell))
            rate: Rate = "learning" if one.with_gradient else "frames_per_second"
            speed = self._rate(rate, cell, clips)
            seconds = one.frames / speed if speed and one.frames is not None else None
            self.once[one.path] = Step(one.what, "to do", one.frames, seconds=seconds)

    def _frames(self, cell: Cell, clips: ClipSet) -> int | None:
        """Return how many frames the clips have; None if that is not known before decoding."""
        settings = frame_settings(cell)
        if (store := _store(cell, clips, settings)) is not None:
            return int(store.lengths.sum())
        return _known_frames(settings, len(clips.clips))

    def _speed(self, cell: Cell) -> Speed:
        name = _model_of(cell)
        if name not in self.speeds:
            self.speeds[name] = earlier_speed(cell.results_dir, cell)
        return self.speeds[name]

    def _rate(self, rate: Rate, cell: Cell, clips: ClipSet) -> float | None:
        """Return a rate: of earlier cells, else tried here, once for a model."""
        speed, name = self._speed(cell), _model_of(cell)
        if getattr(speed, rate) is None and rate not in speed.measured and self.timing is not None:
            tried = self._plain(cell) if rate == "frames_per_second" else cell
            found: dict[str, Any] = {rate: self.timing(rate, tried, clips)}
            speed = replace(speed, measured=(*speed.measured, rate), **found)
            self.speeds[name] = speed
        known: float | None = getattr(speed, rate)
        return known

    def _plain(self, cell: Cell) -> Cell:
        """Return a cell of the same model whose mask needs no target, a masked one if there is."""
        same = (job.cell for job in self.jobs if _model_of(job.cell) == _model_of(cell))
        plain = (one for one in same if one.masking.feature is None)
        return max(plain, key=lambda one: not one.masking.is_clean, default=cell)


def _model_of(cell: Cell) -> str:
    return f"{cell.model.name}, {cell.precision}"


def _state(run: Prepared, twin: Path | None, reference: Result | None) -> State:
    """Return whether a run would make the result of a cell, as `clip_har.engine.run` decides.

    Args:
        run: the cell.
        twin: the folder of its clean twin; None if it is not compared with one.
        reference: the result of its reference; None without one.
    """
    found = find_result(run, reference)
    if run.cell.shard is not None:
        if run.cell.overwrite == "always":
            return "to do"
        return "done" if found is not None else _of_shard(run)
    if found is not None and may_be_reused(found, run, twin):
        return "done"
    return "to do" if found is not None else _unfinished(run)


def _unfinished(run: Prepared) -> State:
    """Return the state of a cell without a result."""
    if run.cell.overwrite == "never" and run.place.failed.is_file():
        return "skipped"
    return "to join" if run.place.find_shards()[0] else "to do"


def _of_shard(run: Prepared) -> State:
    """Return the state of a shard of a cell without a result."""
    shard = run.cell.shard
    return "done" if shard is not None and run.place.shard(shard).is_dir() else "to do"


def _store(cell: Cell, clips: ClipSet, settings: FrameSettings) -> FrameStore | None:
    return FrameStore.find(clips, settings, cache_dir=cell.cache_dir)


def _known_frames(settings: FrameSettings, clips: int) -> int | None:
    """Return the number of frames of clips, at most; None if it depends on their lengths."""
    each = settings.kept_frames()
    if each is None and settings.max_frames is not None:
        each = settings.max_frames * settings.crops
    return None if each is None else each * clips


def _passes(cell: Cell, clips: int, classes: int, frames: int) -> int:
    """Return how many frames of a cell pass through the model, those for attention included."""
    found = frames * cell.noise.passes(classes)
    if cell.shard is not None:
        return found  # the rest comes when the shards are joined
    if isinstance(cell.noise, Learned):
        from clip_har.sweeps.effort import frames_on_empty  # imports torch

        found += frames_on_empty(cell.noise, classes)
    if not cell.finds_regions or not cell.model.gives_attribution:
        return found
    own = cell.noise.own_attention_clips
    looked_at = (0 if cell.region.asks_model else cell.attention_clips) if own is None else own
    share = min(looked_at, clips) / clips
    return found + round(share * frames) * _variants(cell)


def _variants(cell: Cell) -> int:
    """Return the number of variants in which attention is measured."""
    noise = cell.noise
    if not isinstance(noise, Learned):
        return 1
    return 3 if isinstance(noise, PerClass) and noise.controls else 2


def _tables(cell: Cell) -> int:
    """Return the number of score tables of a cell."""
    noise = cell.noise
    if not isinstance(noise, Learned):
        return 1
    return 1 + len(noise.plain_variants) + len(noise.arms)


def counted(steps: Sequence[Step]) -> Iterator[str]:
    """Yield how many cells are in each state, such as ``2 done``."""
    states = [step.state for step in steps if step.is_cell]
    for state in dict.fromkeys(states):
        yield f"{states.count(state)} {state}"
