"""The threads of PyTorch in tests."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let PyTorch use a number of threads, then as many as before.

    Small tensors gain nothing by threads, and lose much where the machine is shared. With another
    number the last bits of a sum differ.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
