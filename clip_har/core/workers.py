"""Which worker process of a sweep this is."""

import re
from multiprocessing import current_process


def joblib_worker() -> int | None:
    """Return the number of this worker process of the joblib launcher; None in others.

    Workers that start together have numbers that follow each other, from 0 on in a new command.

    Ray and Slurm show each cell only the devices that it may use; joblib shows all of them to all.
    """
    found = re.fullmatch(r"LokyProcess-(\d+)", current_process().name)
    return int(found[1]) - 1 if found else None
