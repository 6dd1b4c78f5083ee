"""Bring the numbers of finished cells up to date, on the disk and in the tracking store."""

import logging
from collections.abc import Iterable
from dataclasses import replace

from clip_har.core.errors import ClipHarError
from clip_har.results.cell_folder import CellFolder
from clip_har.results.result import Result
from clip_har.tracking.tracker import Tracking, TrackingError

log = logging.getLogger(__name__)


def recompute(result: Result) -> Result:
    """Return a result with numbers that are up to date; compute them again if they are not.

    They stay as they are if the clean twin or the reference cell that they need no longer exists;
    then only damaged tables and pictures of the cell's own answers are made again.
    New numbers are marked as unsent before they are written, see `send_numbers`. The caller holds
    the cell's lock.
    """
    if result.is_up_to_date:
        return result
    if not result.can_be_recomputed:
        if not (result.is_whole or result.unmendable):
            from clip_har.engine.numbers import mend_own_files

            mend_own_files(result)
        if not result.is_up_to_date:
            lost = result.lost_cell
            log.warning(
                "%s: its %s no longer exists, its numbers are not changed", result.name, lost
            )
        return result
    from clip_har.engine.numbers import compute_again  # a heavy import that is seldom needed

    CellFolder(result.folder).unsent.touch()
    compute_again(result)
    return replace(result)  # nothing of it is read yet


def send_numbers(result: Result, tracking: Tracking) -> None:
    """Send a result's numbers to its run if they were computed again since they were sent.

    If the store has no run of this results folder, as after a move with a store elsewhere, they
    stay marked as unsent.

    Raises:
        TrackingError: when the tracking store cannot be used; they stay marked as unsent.
    """
    place = CellFolder(result.folder)
    if place.unsent.is_file():
        numbers = result.metrics | result.cost
        tags = result.measures.tags()
        pictures = result.pictures
        if tracking.update(
            place.results_dir, place.fingerprint, place.path, numbers, tags=tags, pictures=pictures
        ):
            place.unsent.unlink()
        else:
            log.warning(
                "%s: its new numbers are not sent: the tracking store has no finished run of it"
                " from %s (was the folder moved?); a new sweep sends them",
                result.name,
                place.results_dir,
            )


def recompute_all(results: Iterable[Result]) -> None:
    """Bring the numbers of results up to date, on the disk and in the tracking store.

    If the tracking store cannot be reached, they are sent when the cell's command is run again.

    Args:
        results: each result once.
    """
    for one in results:
        try:
            tracking = one.cell.tracking
        except ClipHarError as error:
            log.warning("%s: its settings are of an earlier version (%s); left", one.name, error)
            continue
        with CellFolder(one.folder).lock():
            new = recompute(one)
            if new is one:
                continue
            try:
                send_numbers(new, tracking)
            except TrackingError as error:
                log.warning("%s: %s", one.name, error)
