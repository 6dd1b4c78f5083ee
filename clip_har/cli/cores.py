"""How the command shares the cores of a machine with other processes."""

import os

_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


def share_cores() -> None:
    """Let threads that wait for work sleep, unless the user has said how they wait.

    The threads of OpenMP, with which torch computes, wait in a loop by default, for up to some
    milliseconds. That takes the core from the thread that they wait for where another process is
    busy, too. The library reads the variables once, when torch is imported; worker processes get
    them from this one.
    """
    if not any(name in os.environ for name in _WAITING):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
