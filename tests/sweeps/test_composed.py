"""Each cell of a sweep is composed once, and is the cell that Hydra would compose."""

from collections import Counter
from copy import deepcopy
from pathlib import Path

import pytest
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, RunMode
from omegaconf import DictConfig, OmegaConf

from clip_har.config.session import session
from clip_har.core.background import Background
from clip_har.sweeps import callback
from clip_har.sweeps.composed import ComposedCells

JOBS = [("masking=percent", f"ratio={ratio}") for ratio in (0.1, 0.3)]


class Checking(Sweeper):
    """A sweeper of which only the check is used."""

    def __init__(self, config: DictConfig, loader: ConfigLoader) -> None:
        self.config = config
        self.hydra_context = HydraContext(loader, None)  # type: ignore[arg-type]

    def setup(self, **_: object) -> None: ...

    def sweep(self, arguments: list[str]) -> None: ...


def composed(loader: ConfigLoader, config: DictConfig, job: tuple[str, ...]) -> object:
    """All that a job gets, with what it reads from the caches."""
    found = loader.load_sweep_config(config, list(job))
    return OmegaConf.to_container(found), OmegaConf.get_cache(found)


@pytest.mark.slow
def test_a_started_sweep_composes_each_cell_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(callback, "started", [])
    monkeypatch.setattr(callback, "drawing", [])
    monkeypatch.setattr(callback, "drawing_processes", lambda: Background(0))
    with session() as hydra:
        plain = hydra.loader
        words = ["tracking=none", f"results_dir='{tmp_path}'"]
        config = plain.load_configuration(
            "config",
            [*words, "masking=percent", "ratio=0.1,0.3"],
            RunMode.MULTIRUN,
        )
        calls: Counter[tuple[str, ...]] = Counter()
        usual = plain.load_sweep_config

        def counted(master_config: DictConfig, sweep_overrides: list[str]) -> DictConfig:
            calls[tuple(sweep_overrides)] += 1
            return usual(master_config, sweep_overrides)

        monkeypatch.setattr(plain, "load_sweep_config", counted)
        callback._start_sweep(config)
        callback.bar.close()
        loader = GlobalHydra.instance().config_loader()
        jobs = [tuple(job) for job in calls]
        assert len(jobs) == 2
        Checking(config, loader).validate_batch_is_legal(jobs)
        found = [composed(loader, config, job) for job in jobs]
        assert set(calls.values()) == {1}
        assert found == [composed(plain, config, job) for job in jobs]
        assert str(tmp_path) in str(found[0])
        assert set(calls.values()) == {2}
        composed(loader, config, jobs[0])  # a cell that is asked for again is composed
        assert calls[jobs[0]] == 3


def test_other_processes_get_the_loader_behind_it() -> None:
    with session() as hydra:
        known = ComposedCells(hydra.loader, {JOBS[0]: DictConfig({})})
        assert type(deepcopy(known)) is type(hydra.loader)  # copied as it is sent


def test_what_is_not_known_is_composed() -> None:
    with session() as hydra:
        config = hydra.compose([])
        known = ComposedCells(hydra.loader, {JOBS[0]: DictConfig({"ratio": 7})})
        assert known.load_sweep_config(config, list(JOBS[0])).ratio == 7
        assert known.load_sweep_config(config, list(JOBS[1])).ratio == 0.3
        assert "percent" in known.get_group_options("masking")
