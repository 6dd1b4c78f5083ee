import os

import pytest

from clip_har.cli.cores import share_cores

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture(autouse=True)
def unset(monkeypatch):
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is as before after the test
        monkeypatch.delenv(name)


def test_threads_that_wait_sleep():
    share_cores()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.parametrize("name", NAMES)
def test_what_the_user_has_set_stays(name, monkeypatch):
    monkeypatch.setenv(name, "7")
    share_cores()
    assert {key: os.environ.get(key) for key in NAMES} == {**dict.fromkeys(NAMES), name: "7"}
