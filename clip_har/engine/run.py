"""Run one cell: find its finished result or make it, and send it to the tracking store."""

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from omegaconf import DictConfig

from clip_har.config.cell import Cell
from clip_har.config.compose import (
    cell_from_config,
    without_auto,
    without_hub_revision,
    without_hydra,
)
from clip_har.core.atomic import clear_up, whole_file
from clip_har.core.errors import ClipHarError, describe
from clip_har.core.imports import quick_imports
from clip_har.core.settings import Role
from clip_har.engine.job import Job, Prepared, command, prepared
from clip_har.engine.recompute import recompute, send_numbers
from clip_har.engine.run_shard import run_shard
from clip_har.results.files import lost_files
from clip_har.results.names import what_varies, with_source
from clip_har.results.result import TWIN, Result
from clip_har.results.sweep import Outcome, State
from clip_har.tracking.tracker import Run, TrackingError

log = logging.getLogger(__name__)


def run_cell(config: DictConfig, job: Job) -> Outcome:
    """Run a composed cell, and write its outcome into the job's folder.

    Raises:
        ClipHarError: when the cell cannot be run; the outcome holds the error, too.
    """
    started = time.monotonic()
    plain = without_hub_revision(without_hydra(config))
    named = job.choices
    varies = what_varies(plain, named, job.varying)
    notes: tuple[str, ...] = ()
    twin_seconds = 0.0

    def end(state: State, folder: Path | None = None, error: str | None = None) -> Outcome:
        seconds = time.monotonic() - started - twin_seconds
        place = None if folder is None or Result.at(folder) is None else str(folder)
        times = (round(seconds, 3), round(twin_seconds, 3))
        outcome = Outcome(varies, notes, state, place, error, *times, command(job.overrides))
        if job.folder is not None:
            outcome.write(job.folder, plain)
        return outcome

    folder: Path | None = None
    try:
        if job.sweep is not None:
            job.sweep.enter()
        plain, choices = without_auto(plain, named)
        job = replace(job, choices=choices)
        cell = cell_from_config(plain)
        varies = with_source(what_varies(plain, named, job.varying), cell, named, choices)
        notes = cell.notes()
        if cell.shard:
            varies = {**varies, "shard": str(cell.shard)}
        else:
            varies = {key: value for key, value in varies.items() if key != "shard"}
        if job.sweep is None:
            _warn_of_unused(cell, job.overrides)
        run = prepared(plain, cell, job, varies)
        folder = run.folder
        folder.parent.mkdir(parents=True, exist_ok=True)
        if cell.shard is not None:
            evaluated = run_shard(run, cell.shard)
            return end("shard kept" if evaluated else "reused")
        others_started = time.monotonic()
        try:
            # Without the cell's own lock: two commands may be the reference of each other.
            reference = _reference(run)
        finally:
            twin_seconds = time.monotonic() - others_started
        with run.place.lock():
            others_started = time.monotonic()
            try:
                twin = _clean_twin(run, reference)
            finally:
                twin_seconds += time.monotonic() - others_started
            state = _find_or_make(run, twin, reference)
    except TrackingError as error:
        # The outcome keeps the result, if there is one: the sweep's tables need no tracking store.
        end("failed", folder, error=describe(error))
        raise
    except Exception as error:
        log.debug("the cell failed", exc_info=True)  # for the log file only
        end("failed", error=describe(error))
        raise
    return end(state, folder)


def _reference(run: Prepared) -> Result | None:
    """Return the result of a cell's reference; run the reference first if it has no result.

    None if the cell has none.

    Raises:
        ClipHarError: when it failed before and is not run again.
    """
    reference = run.reference()
    if reference is None:
        return None
    with reference.place.lock():
        found = Result.at(reference.folder)
        # Its own numbers may be measured in any way: only its score table is used.
        try:
            if found is None or not found.is_up_to_date or reference.place.unsent.is_file():
                _find_or_make(reference, None, None)
            else:
                _send_if_absent(found, reference)
        except TrackingError as error:
            log.warning("%s: %s", reference.info.name, error)
        found = Result.shared(reference.folder)
    if found is None:
        raise ClipHarError(
            f"{reference.info.name}: failed before and is not run again (overwrite=never), and"
            " without it no threshold can be chosen"
        )
    return found


def _clean_twin(run: Prepared, reference: Result | None) -> Result | None:
    """Return the result of a cell's clean twin; run the twin first if it has no result.

    None if the cell is its own twin, if no twin is wanted, or if the twin failed before and is not
    run again.
    """
    twin = run.clean_twin() if run.cell.clean_twin else None
    if twin is None:
        return None
    with twin.place.lock():
        found = find_result(twin, reference)
        try:
            if found is None or not found.is_up_to_date or twin.place.unsent.is_file():
                _find_or_make(twin, None, reference)
            else:
                _send_if_absent(found, twin)
        except TrackingError as error:
            log.warning("%s: %s", TWIN, error)  # the cell can still be compared
        return Result.shared(twin.folder)  # None if it was not run again


def find_result(run: Prepared, reference: Result | None) -> Result | None:
    """Return the finished result of a cell, with its settings; None if there is none.

    Args:
        run: the cell.
        reference: the result of its reference; None if it has none.
    """
    found = Result.at(run.folder)
    if found is None:
        return None
    place = None if reference is None else reference.folder
    return replace(found, known_cell=run.cell, known_reference=place)


def _find_or_make(run: Prepared, twin: Result | None, reference: Result | None) -> State:
    """Find or make the result of a cell, send it to the tracking store, and return its state."""
    clear_up(run.folder)  # the caller holds its lock
    found = find_result(run, reference)
    cell, info = run.cell, run.info
    if cell.overwrite == "never" and found is None and run.place.failed.is_file():
        log.info("%s: failed before, not run again (overwrite=never)", info.name)
        return "skipped"
    compared = None if twin is None else twin.folder
    if found is not None and may_be_reused(found, run, compared):
        return _reuse(found, run)
    if found is None and run.folder.is_dir():
        log.warning(
            "%s: %s is missing or damaged in %s: run again",
            info.name,
            ", ".join(lost_files(run.folder)),
            run.folder,
        )
    shards = run.place.finished_shards(info.name)
    made = False

    def make() -> None:
        nonlocal made
        log.info("%s: running", info.name)
        try:
            # Imported here: heavy modules (torch, transformers) are loaded after the checks.
            with quick_imports():
                from clip_har.engine.make_result import make_result

            make_result(run, twin=twin, reference=reference, shards=shards)
        except Exception as error:
            with whole_file(run.place.failed) as file:
                file.write_text(describe(error) + "\n", encoding="utf-8")
            raise
        run.place.failed.unlink(missing_ok=True)
        _warn_of_failures(Result(run.folder), run)
        made = True

    try:
        with cell.tracking.run(cell.results_dir, info) as tracked:
            make()
            _send(Result(run.folder), tracked)
    except TrackingError as error:
        # A cell outside a sweep stops at its start, before any work is done.
        if info.parent is None and not made:
            raise
        log.warning("%s: %s", info.name, error)
        if not made:
            make()
        raise _kept_unsent(run, error) from error
    run.place.unsent.unlink(missing_ok=True)
    return "finished"


def _reuse(found: Result, run: Prepared) -> State:
    """Bring a finished result up to date, and send it to the tracking store if needed."""
    cell, info = run.cell, run.info
    found = recompute(found)
    _warn_of_failures(found, run)
    try:
        if not _send_if_absent(found, run):
            log.info(
                "%s: finished already, not run again (overwrite=%s)", info.name, cell.overwrite
            )
        send_numbers(found, cell.tracking)
    except TrackingError as error:
        log.warning("%s: %s", info.name, error)
        raise _kept_unsent(run, error) from error
    return "reused"


def _send_if_absent(found: Result, run: Prepared) -> bool:
    """Send a finished result unless the run of the sweep has it already; return whether it did.

    Raises:
        TrackingError: when the tracking store cannot be used.
    """
    cell, info = run.cell, run.info
    if cell.tracking.has(cell.results_dir, info.fingerprint, info.parent):
        return False
    with cell.tracking.run(cell.results_dir, info) as tracked:
        log.info("%s: finished already, sent to the tracking store", info.name)
        _send(found, tracked)
    return True


def _send(result: Result, tracked: Run) -> None:
    tracked.log_results(
        result.folder,
        result.metrics | result.cost,
        curves=result.curves,
        pictures=result.pictures,
    )


def _kept_unsent(run: Prepared, error: TrackingError) -> TrackingError:
    """Return the error of a store that cannot be reached, and mark the result as not sent."""
    run.place.unsent.touch()
    return TrackingError(
        f"{error}; the result is kept: run the command again to send it (with overwrite=missing)"
    )


def may_be_reused(found: Result, run: Prepared, twin: Path | None) -> bool:
    """Return whether a finished result satisfies the settings of this run.

    Another run may have made it with ``clean_twin=false`` or ``frames.on_error=skip``, or without
    the embeddings that ``measures.probe`` needs.

    Args:
        found: the result.
        run: the cell.
        twin: the folder of its clean twin; None if it is not compared with one.
    """
    cell = run.cell
    share = found.protocol["clips_failed"] / len(run.clips.clips)
    tolerated = cell.frames.on_error == "skip" or share <= cell.frames.max_failed
    compared = twin is None or found.twin_folder == twin
    mendable = (found.is_whole and found.has_its_measures) or found.can_be_recomputed
    embedded = cell.measures.probe is None or cell.noise.is_learned or found.keeps_embeddings
    fits = bool(tolerated) and compared and mendable and embedded
    return cell.overwrite != "always" and fits


def _warn_of_failures(found: Result, run: Prepared) -> None:
    if failed := int(found.protocol["clips_failed"]):
        log.warning(
            "%s: %d of %d clips could not be decoded and are in no metric (failed_clips.csv)",
            run.info.name,
            failed,
            len(run.clips.clips),
        )


def _warn_of_unused(cell: Cell, overrides: Sequence[str]) -> None:
    """Warn of keys for masks that were typed and that the cell's mask does not take."""
    unused = cell.fields_for(Role.MASK) - set(type(cell.masking).model_fields)
    for override in overrides:
        if override.partition("=")[0] in unused:
            reason = "the mask does not take it"
            if cell.masking.is_clean:
                reason = "masking=none hides nothing; add a mask, such as masking=percent"
            log.warning("%s has no effect: %s", override, reason)
