"""One process after the other: a folder that several processes write as a whole."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import Timeout

from clip_har.core.atomic import whole_folder
from clip_har.core.cache import lock_of

log = logging.getLogger(__name__)


@contextmanager
def whole_folder_alone(folder: Path, what: str) -> Iterator[Path]:
    """Yield the temporary folder of `whole_folder`; if another process writes it, wait for that.

    The lock is the file ``<folder>.lock`` beside it, which stays.

    Args:
        folder: what is written.
        what: its name in messages, such as ``"report"``.

    Raises:
        OSError: when the folder or its lock cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    # The cache waits in the same way. Its module decides the keys of all decoded frames, so that it
    # is not changed for this one.
    lock = lock_of(folder)
    try:
        held = lock.acquire(timeout=0)
    except Timeout:
        log.info("waiting for another process that writes the %s %s", what, folder)
        held = lock.acquire()
    with held, whole_folder(folder) as temporary:
        yield temporary
