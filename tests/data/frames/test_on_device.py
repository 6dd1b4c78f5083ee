"""Frames on the model's device: shared on a CPU, kept or sent on another; ``meta`` stands in."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames import on_device
from clip_har.data.frames.on_device import DeviceFrames
from clip_har.data.frames.store import FrameStore
from clip_har.data.sampling import FrameSettings
from tests.planted import planted_clips

CPU, OTHER = torch.device("cpu"), torch.device("meta")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> ClipSet:
    return planted_clips(tmp_path_factory.mktemp("clips"))


def opened(
    clips: ClipSet, cache: Path, *, size: int = 16, resident: str | bool = "auto"
) -> FrameStore:
    settings = FrameSettings.model_validate({"count": 2, "size": size, "resident": resident})
    return FrameStore.open(clips, settings, cache_dir=cache)


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_device, "_kept", {})
    monkeypatch.setattr(on_device, "_full", set())


def test_on_a_cpu_the_memory_of_the_file_is_shared(clips: ClipSet, tmp_path: Path) -> None:
    store = opened(clips, tmp_path)
    sent = DeviceFrames(store, CPU).send(1)()
    assert sent.data_ptr() == store.clip(1).ctypes.data
    assert np.array_equal(sent.numpy(), store.clip(1))
    assert not on_device._kept


@pytest.mark.parametrize(
    ("resident", "free", "kept"),
    [(True, 0, True), (False, 10**9, False), ("auto", 10**9, True), ("auto", 10_000, False)],
)
def test_frames_stay_if_the_setting_and_the_memory_allow_it(
    clips: ClipSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    resident: str | bool,
    free: int,
    kept: bool,
) -> None:
    monkeypatch.setattr(on_device, "free_memory", lambda _: free)
    store = opened(clips, tmp_path, resident=resident)
    first = DeviceFrames(store, OTHER).send(1)()
    again = DeviceFrames(store, OTHER)  # of the next cell
    assert first.device == OTHER
    assert first.shape == store.clip(1).shape
    assert (again.send(1)() is first) == kept
    assert again.is_resident == kept


@pytest.mark.parametrize(("worker", "kept"), [(None, True), (1, False)])
def test_workers_that_may_share_a_device_keep_less(
    clips: ClipSet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    worker: int | None,
    kept: bool,
) -> None:
    store = opened(clips, tmp_path)
    whole = 3 * 16**2 * int(store.lengths.sum())
    monkeypatch.setattr(on_device, "free_memory", lambda _: 3 * whole)
    monkeypatch.setattr(on_device, "joblib_worker", lambda: worker)
    assert DeviceFrames(store, OTHER).is_resident == kept


def test_what_is_kept_already_needs_no_more_memory(
    clips: ClipSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(clips, tmp_path)
    whole = 3 * 16**2 * int(store.lengths.sum())
    monkeypatch.setattr(on_device, "free_memory", lambda _: 2 * whole)
    frames = DeviceFrames(store, OTHER)
    for index in store.ok:
        frames.send(index)()
    monkeypatch.setattr(on_device, "free_memory", lambda _: 0)
    assert DeviceFrames(store, OTHER).is_resident


def test_frames_of_another_store_make_room(clips: ClipSet, tmp_path: Path) -> None:
    small, large = (
        opened(clips, tmp_path, resident=True),
        opened(clips, tmp_path, size=24, resident=True),
    )
    DeviceFrames(small, OTHER).send(0)()
    DeviceFrames(large, OTHER).send(0)()
    assert [tuple(kept.shape) for kept in on_device._kept.values()] == [(2, 3, 24, 24)]


def full(times: int, error: Exception | None = None) -> Callable[[], str]:
    """Return work that finds the memory full so many times."""
    tries = iter([True] * times + [False])

    def work() -> str:
        if next(tries):
            raise error or torch.OutOfMemoryError
        return "done"

    return work


def test_frames_give_way_when_the_memory_is_full_and_it_is_said_once(
    clips: ClipSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(clips, tmp_path, resident=True)
    frames = DeviceFrames(store, OTHER)
    frames.send(0)()
    assert frames.in_memory(full(1)) == "done"
    assert not on_device._kept
    frames.send(1)()
    assert not on_device._kept, "from now on they are sent"
    again = DeviceFrames(store, OTHER)  # of the next cell
    assert not again.is_resident
    assert [record.message.split(":")[0] for record in caplog.records] == ["meta"]


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
        ),
        MemoryError("Unable to allocate 9 GiB for an array"),
    ],
    ids=["cuda", "mps", "cpu", "numpy"],
)
def test_a_memory_that_is_full_without_frames_says_what_to_do(
    clips: ClipSet, tmp_path: Path, resident: bool, error: Exception
) -> None:
    frames = DeviceFrames(opened(clips, tmp_path, resident=resident), OTHER)
    with pytest.raises(ClipHarError, match=r"^meta: its memory is full: lower batch_size") as told:
        frames.in_memory(full(1 + resident, error))
    assert told.value.__context__ is None, "its traceback would hold the device's memory"


def test_another_error_stays_what_it_is(clips: ClipSet, tmp_path: Path) -> None:
    frames = DeviceFrames(opened(clips, tmp_path, resident=True), OTHER)
    with pytest.raises(RuntimeError, match="shapes"):
        frames.in_memory(full(1, RuntimeError("shapes do not fit")))
    assert frames.is_resident
