"""A sweep of several parts: what its cells are, and one line for everything that is wrong."""

from collections.abc import Mapping
from typing import Any

import pytest
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from clip_har.config.compose import CONFIG_DIR
from clip_har.config.parts import Part, parts_of
from clip_har.config.session import session
from clip_har.core.errors import ClipHarError
from clip_har.sweeps.named_cells import named_cells

PARTS: Mapping[str, Any] = {
    "Clean": ["masking=none"],
    "Masks": ["masking=percent,shape ratio=0.1,0.3", "masking=feature feature='a red ball'"],
}


def parts(given: Any, *typed: str, params: tuple[str, ...] = ()) -> list[Part]:
    with session():
        return parts_of(given, params, typed, GlobalHydra.instance().config_loader())


def test_each_line_is_a_product() -> None:
    clean, masks = parts(PARTS)
    assert (clean.title, clean.jobs) == ("Clean", [["masking=none"]])
    assert masks.jobs == [
        ["masking=percent", "ratio=0.1"],
        ["masking=percent", "ratio=0.3"],
        ["masking=shape", "ratio=0.1"],
        ["masking=shape", "ratio=0.3"],
        ["masking=feature", r"feature=a\ red\ ball"],
    ]


def test_what_is_typed_holds_for_all_parts() -> None:
    clean, masks = parts(
        PARTS, "dataset.split=1,2", "ratio=0.5", "seed=1", params=("seed=7", "fill=mean")
    )
    assert clean.jobs == [
        ["fill=mean", f"dataset.split={split}", "ratio=0.5", "seed=1", "masking=none"]
        for split in (1, 2)
    ]
    assert len(masks.jobs) == 2 * (2 + 1)
    assert all("ratio=0.5" in job and "seed=7" not in job for job in masks.jobs)


def test_an_option_that_is_typed_takes_the_place_of_the_keys_of_its_group() -> None:
    """Of another data set or model they would be unknown keys."""
    given = {"A": ["model.checkpoint=tiny seed=1", "model.checkpoint=other seed=2"]}
    params = ("dataset.seed=100", "dataset.count=640", "fill=mean")
    (part,) = parts(given, "dataset=ucf101", "model=clip_vit_b32", "frames.count=2", params=params)
    typed = ["fill=mean", "dataset=ucf101", "model=clip_vit_b32", "frames.count=2"]
    assert part.jobs == [[*typed, "seed=1"], [*typed, "seed=2"]]
    (kept,) = parts(given, "dataset.seed=101", params=params)
    assert {"dataset.seed=101", "dataset.count=640"} <= set(kept.jobs[0])


def test_a_line_wins_over_what_an_experiment_sweeps() -> None:
    (part,) = parts({"A": ["fill=black"]}, params=("fill=mean,grey", "seed=0,1"))
    assert part.jobs == [["seed=0", "fill=black"], ["seed=1", "fill=black"]]


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "expected titles with lines of overrides"),
        (["masking=none"], "expected titles with lines of overrides"),
        ({"A": "masking=none"}, "A: expected a list of lines"),
        ({"A": []}, "A: expected a list of lines"),
        ({"A": [""]}, "A: expected a list of lines"),
        ({"A": ["masking"]}, "A: expected overrides of a cell, such as masking=none, got masking"),
        ({"A": ["hydra/launcher=joblib"]}, "got hydra/launcher=joblib"),
    ],
)
def test_what_is_wrong_is_named(given: Any, fault: str) -> None:
    with pytest.raises(ClipHarError, match=fault) as error:
        parts(given)
    assert "\n" not in str(error.value)


def composed_parts(name: str, *typed: str) -> dict[str, list[list[str]]]:
    given = [f"experiment={name}", *typed]
    with session() as hydra:
        found = named_cells(hydra.compose(given), given, hydra.loader)
        assert found.parts is not None
        jobs = iter(list(job) for job in found.jobs)
        return {title: [next(jobs) for _ in range(count)] for title, count in found.parts.jobs}


def test_the_papers_programme_has_the_order_of_the_abstract() -> None:
    found = composed_parts("paper/all")
    assert [title.split(maxsplit=1)[1] for title in found] == [
        "Clean",
        "Percent and shape masks",
        "Feature masks and their control (away)",
        "Isolation masks",
        "Class noise and its controls",
        "Bias before and after class noise",
    ]
    assert [len(jobs) for jobs in found.values()] == [1, 6, 2, 2, 5, 6]


def test_the_full_programme_replaces_only_parts_of_that_name() -> None:
    """Titles are keys: one that is misspelt would be a part of its own."""
    shown, full = composed_parts("paper/all"), composed_parts("paper/full")
    assert list(full) == list(shown)
    *_, noise, bias = full.values()
    assert len(noise) == 3 * (1 + 6 + 2)
    assert len(bias) == 3 + 9
    text = OmegaConf.load(CONFIG_DIR / "experiment" / "paper" / "full.yaml")
    assert set(text.hydra.sweeper.parts) <= set(shown)


def keys_of(job: list[str]) -> dict[str, str]:
    return dict(word.split("=", 1) for word in job)


def test_the_study_of_class_noise_nests_its_noise_seeds_in_models() -> None:
    """Its statistics need seeds that no two models share."""
    found = [keys_of(job) for jobs in composed_parts("study/class_noise").values() for job in jobs]
    fits = {(one["noise_seed"], one["model.checkpoint"]) for one in found}
    assert len(fits) == len({seed for seed, _ in fits}) == 12
    assert len({checkpoint for _, checkpoint in fits}) == 3
    shown = {(one["masking"], one["ratio"], one["noise_seed"]) for one in found}
    assert len(shown) == len(found) == 12 * 6 * 3
    assert all(int(one["dataset.seed"]) >= 100 for one in found), "no run has used these subjects"
    costly = {one["noise_seed"] for one in found if "noise.placebos" not in one}
    assert costly == {"0", "1", "4", "5", "8", "9"}, "two of each model: workers learn side by side"


def test_the_study_of_class_noise_runs_on_real_video_with_all_seeds_on_one_model() -> None:
    typed = ("dataset=ucf101", "model=clip_vit_b32", "region=auto")
    parts = composed_parts("study/class_noise", *typed)
    found = [keys_of(job) for jobs in parts.values() for job in jobs]
    assert {one["noise_seed"] for one in found} == {str(n) for n in range(12)}
    assert {one["model"] for one in found} == {"clip_vit_b32"}
    assert not any(key.startswith(("dataset.", "model.")) for one in found for key in one)


def test_each_domain_of_the_experiment_has_the_same_masks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HMDB51", "/films/hmdb51")
    found = composed_parts("domains")
    assert list(found) == ["UCF-101", "HMDB-51"]
    masks = [[word for word in job if word.startswith("masking=")] for job in found["UCF-101"]]
    assert len(masks) == 6
    assert all("dataset.root=/films/hmdb51" in job for job in found["HMDB-51"])
    assert all("dataset.root=data/ucf101" in job for job in found["UCF-101"])
