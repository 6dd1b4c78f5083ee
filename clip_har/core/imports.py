"""Import heavy modules quickly."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quick_imports() -> Iterator[None]:
    """Import modules in the body without searches for garbage.

    Importing torch, transformers and MLflow makes more than a million objects that stay to the end
    of the process. Python would search them for garbage again and again, which takes a quarter of
    the time. Afterwards they are left out of all later searches, too.
    """
    was_enabled, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:  # else it would only keep garbage
            gc.freeze()
        if was_enabled:
            gc.enable()
