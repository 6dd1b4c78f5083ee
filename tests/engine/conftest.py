"""Small tensors gain nothing by threads, as in the tests of noise."""

from tests.noise.conftest import one_thread

__all__ = ["one_thread"]
