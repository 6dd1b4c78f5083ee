"""Which device a cell gets."""

from types import SimpleNamespace

import pytest
import torch

from clip_har.core import workers
from clip_har.models.device import pick_device


def machine(monkeypatch: pytest.MonkeyPatch, *, process: str, accelerators: int) -> None:
    """Stand in for a machine, and for the name of this process."""
    found = torch.device("cuda") if accelerators else None
    monkeypatch.setattr(workers, "current_process", lambda: SimpleNamespace(name=process))
    monkeypatch.setattr(
        torch.accelerator,
        "current_accelerator",
        lambda check_available: found,  # noqa: ARG005
    )
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: accelerators)


@pytest.mark.parametrize(
    ("process", "accelerators", "expected"),
    [
        ("MainProcess", 2, "cuda"),
        ("LokyProcess-1", 2, "cuda:0"),
        ("LokyProcess-2", 2, "cuda:1"),
        ("LokyProcess-3", 2, "cuda:0"),
        ("LokyProcess-3", 1, "cuda:0"),
        ("LokyProcess-3", 0, "cpu"),
    ],
)
def test_workers_of_joblib_take_the_accelerators_in_turn(
    monkeypatch: pytest.MonkeyPatch, process: str, accelerators: int, expected: str
) -> None:
    machine(monkeypatch, process=process, accelerators=accelerators)
    assert pick_device("auto") == torch.device(expected)


def test_a_named_device_is_taken_by_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    machine(monkeypatch, process="LokyProcess-2", accelerators=2)
    assert pick_device("cpu") == torch.device("cpu")
