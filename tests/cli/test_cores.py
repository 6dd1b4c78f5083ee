import ctypes
import os
import subprocess
import sys

import pytest

from clip_har.cli.cores import share_cores

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is as before after the test
        monkeypatch.delenv(name)


def test_threads_that_wait_sleep_soon():
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    assert int(os.environ["GOMP_SPINCOUNT"]) == 10_000


@pytest.mark.parametrize("name", NAMES)
def test_what_the_user_has_set_stays(name, monkeypatch):
    monkeypatch.setenv(name, "7")
    share_cores()
    assert {key: os.environ.get(key) for key in NAMES} == {**dict.fromkeys(NAMES), name: "7"}


# A block of 64 MiB, filled and freed again and again: the page faults of all but the first.
_FAULTS = """
import resource
from clip_har.cli.cores import keep_memory
keep_memory()
bytearray(2**26)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(4):
    bytearray(2**26)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="needs glibc")
@pytest.mark.parametrize(("variables", "is_kept"), [({}, True), ({"MALLOC_ARENA_MAX": "1"}, False)])
def test_freed_memory_is_kept_unless_the_user_has_set_up_the_allocator(variables, is_kept):
    own = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS], env=own | variables, capture_output=True, check=True
    )
    pages = 2**26 // os.sysconf("SC_PAGE_SIZE")
    assert (int(done.stdout) < pages) == is_kept
