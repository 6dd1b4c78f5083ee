"""How the command uses the cores and the memory of a machine that others use, too."""

import ctypes
import os

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
_TURNS = 10_000  # of the loop in which a thread of GNU's OpenMP waits: a fraction of a millisecond
_ALLOCATOR = ("MALLOC_", "GLIBC_TUNABLES")
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # as malloc.h of glibc numbers them


def share_cores() -> None:
    """Let threads that wait for work sleep soon, unless the user has said how they wait.

    The threads of OpenMP, with which torch computes, wait in a loop by default, for up to some
    milliseconds. That takes the core from the thread that they wait for where another process is
    busy, too. To sleep at once costs a small model a quarter of its speed, since its operations
    are shorter than waking up. So they wait in a loop for a short time, where the library can be
    told how long. It reads the variables once, when torch is imported; worker processes get them
    from this one.
    """
    if not any(name in os.environ for name in _WAITING):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
        os.environ["GOMP_SPINCOUNT"] = str(_TURNS)


def keep_memory() -> None:
    """Let this process keep the memory that it frees, unless the user has set up the allocator.

    By default glibc gives each large block back at once, and the kernel must clear every page of
    the next one: for a batch of frames that takes several times as long as to normalise it. Other
    C libraries are left as they are.
    """
    if any(name.startswith(_ALLOCATOR) for name in os.environ):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_MMAP_MAX, 0)  # large blocks lie beside the small ones
    mallopt(_TRIM_THRESHOLD, -1)  # no limit
