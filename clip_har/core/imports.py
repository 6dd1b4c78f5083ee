"""Import heavy modules quickly."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_own: list[bool] = []  # not empty in a process of the command


def own_process() -> None:
    """Say that this process is one of the command, with no objects of a user's script in it."""
    _own.append(True)


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import modules in the body without searches for garbage.

    Importing torch, transformers and MLflow makes more than a million objects that stay to the end
    of the process. Python would search them for garbage again and again, which takes a quarter of
    the time. In a process of the command they are left out of all later searches, too. In others
    this would keep the garbage of the user's script, which may hold a model.
    """
    was_enabled, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if _own and len(sys.modules) > known:  # else it would only keep garbage
            gc.freeze()
        if was_enabled:
            gc.enable()
