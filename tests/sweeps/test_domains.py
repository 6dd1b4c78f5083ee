"""Which data sets are domains of one question, and the numbers that come of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score
from statsmodels.stats.multitest import multipletests

from clip_har.metrics.intervals import quantile
from clip_har.metrics.measures import find
from clip_har.report.selection import of_sweep
from clip_har.results.result import Result
from clip_har.sweeps.comparisons import comparisons_of
from clip_har.sweeps.domain_tables import (
    POOLED,
    DomainTables,
    domain_files,
    domain_metrics,
    domain_tables,
)
from clip_har.sweeps.domains import domain_sets
from clip_har.sweeps.model_tables import CHANGE, EACH, MEAN, model_tables
from clip_har.sweeps.models import UNCHANGED
from tests.report.domains import MASKS, made_domains, right
from tests.report.made import NAMES
from tests.tables import rows_of

THREE = {"ucf101/test": (0.85, 0.3), "hmdb51/all": (0.8, 0.3), "ward": (0.4, 0.05)}
CLIPS = {"ucf101/test": 240, "hmdb51/all": 160, "ward": 100}


def tables_of(folder: Path) -> DomainTables:
    (found,) = domain_tables(of_sweep(folder).comparisons)
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_domains(tmp_path_factory.mktemp("three"), THREE, clips=CLIPS)


@pytest.fixture(scope="module")
def three(folder: Path) -> DomainTables:
    return tables_of(folder)


def cell(tables: DomainTables, domain: str, mask: str) -> Result:
    place = list(tables.domains.names).index(domain)
    name = "none" if mask == UNCHANGED else mask
    return next(one for one in tables.domains.comparisons[place].cells if one.name.startswith(name))


def test_the_numbers_are_those_of_scikit_learn(three: DomainTables) -> None:
    assert three.domains.names == list(THREE)
    for domain in THREE:
        clean, masked = (cell(three, domain, mask).table for mask in (UNCHANGED, MASKS[0]))
        row = three.of(MASKS[0])[domain]
        accuracy = [
            balanced_accuracy_score(one.labels, one.scores.argmax(axis=1))
            for one in (clean, masked)
        ]
        assert three.of(UNCHANGED)[domain]["accuracy"] == pytest.approx(accuracy[0])
        assert row["accuracy"] == pytest.approx(accuracy[1])
        assert row["change"] == pytest.approx(accuracy[1] - accuracy[0])
        assert row["change_low"] < row["change"] < row["change_high"]
        assert row["top1"] == pytest.approx(right(masked).mean())
        assert row["clips"] == CLIPS[domain]
        assert row["groups"] == 20


def test_in_the_mean_each_domain_counts_the_same(three: DomainTables) -> None:
    for mask in (UNCHANGED, *MASKS, MEAN):
        rows = three.of(mask)
        pooled = rows.pop(POOLED)
        assert pooled["accuracy"] == pytest.approx(
            np.mean([row["accuracy"] for row in rows.values()])
        )
        every = [row["top1"] * row["clips"] for row in rows.values()]
        assert pooled["top1"] == pytest.approx(sum(every) / sum(CLIPS.values()))
        assert pooled["accuracy_low"] < pooled["accuracy"] < pooled["accuracy_high"]
        widths = [row["accuracy_high"] - row["accuracy_low"] for row in rows.values()]
        assert pooled["accuracy_high"] - pooled["accuracy_low"] < max(widths)
        assert rows["ward"]["worst_share"] > 0.95
    assert (three.headline, three.masked) == (UNCHANGED, MEAN)


def test_each_question_is_a_family_of_tests(three: DomainTables) -> None:
    families = three.pairs.groupby("family")
    assert families.size().to_dict() == {UNCHANGED: 3, MEAN: 3, CHANGE: 3, EACH: 6}
    for _, rows in families:
        assert rows["p_holm"].to_numpy() == pytest.approx(
            multipletests(rows["p"], method="holm")[1]
        )


def test_a_worse_domain_is_found_and_so_is_a_mask_that_costs_less_there(
    three: DomainTables,
) -> None:
    sure = three.pairs[three.pairs["p_holm"] < 0.05]
    for family in (UNCHANGED, CHANGE):
        found = sure[sure["family"] == family]
        assert {(row["domain"], row["other"]) for row in found.to_dict("records")} == {
            ("ucf101/test", "ward"), ("hmdb51/all", "ward"),
        }  # fmt: skip
    changes = three.family(CHANGE)
    assert all(row["difference"] < 0 for row in changes if row["other"] == "ward")


def test_the_errors_of_two_domains_add_up(three: DomainTables) -> None:
    """Both have twenty groups: equal samples of these would hide what both vary by."""
    rows = three.of(MEAN)
    errors = {
        name: (rows[name]["change_high"] - rows[name]["change_low"]) / (2 * quantile(19))
        for name in THREE
    }
    for row in three.family(CHANGE):
        both = errors[row["domain"]] ** 2, errors[row["other"]] ** 2
        degrees = sum(both) ** 2 / sum(one**2 / 19 for one in both)
        half = quantile(degrees) * np.sqrt(sum(both))
        assert (row["high"] - row["low"]) / 2 == pytest.approx(half, rel=0.06)


def test_nothing_is_paired_between_domains(three: DomainTables, folder: Path) -> None:
    """The clips of one domain in another order change no difference."""
    other = tables_of(folder)
    place = list(three.domains.names).index("ward")
    for one in other.domains.comparisons[place].cells:
        order = np.random.default_rng(0).permutation(len(one.table.clip_ids))
        one.__dict__["table"] = rows_of(one.table, order.tolist())
    (mixed,) = domain_tables(other.domains.comparisons)
    assert mixed.pairs[["difference", "low", "high", "p"]].to_numpy() == pytest.approx(
        three.pairs[["difference", "low", "high", "p"]].to_numpy()
    )


def test_other_classes_or_another_protocol_are_no_domains(tmp_path: Path) -> None:
    both = {"a": (0.8, 0.1), "b": (0.7, 0.1)}
    frames = made_domains(
        tmp_path / "frames",
        both,
        masks=(),
        overrides={"b": ["dataset.seed=1", "frames.count=3"]},
    )
    assert not domain_tables(of_sweep(frames).comparisons)
    first, second = (
        of_sweep(made_domains(tmp_path / name, {name: (0.8, 0.1)}, names=names, masks=())).jobs
        for name, names in (("a", NAMES), ("b", (*NAMES[:-1], "other")))
    )
    second = tuple(replace(one) for one in second)
    for one in second:
        one.protocol["data_digest"] = "9" * 64
    assert not domain_sets(comparisons_of([*first, *second]))


def test_splits_and_parts_of_a_data_set_are_one_domain(tmp_path: Path) -> None:
    names = ["ucf101/test/split1", "ucf101/test/split2", "ucf101/train/split1", "hmdb51/test"]
    data = {
        name: [f"dataset={kind}", f"dataset.split={split}", f"dataset.subset={subset}"]
        for name, kind, split, subset in zip(
            names, ["ucf101"] * 3 + ["hmdb51"], (1, 2, 1, 1), ("test", "test", "train", "test"),
            strict=True,
        )
    }  # fmt: skip
    (found,) = domain_sets(
        of_sweep(
            made_domains(tmp_path, dict.fromkeys(names, (0.8, 0.1)), overrides=data, masks=())
        ).comparisons
    )
    assert found.names == [names[0], names[3]]
    assert len(found.left_out) == 2


def test_what_only_some_have_or_leaks_counts_in_no_mean(tmp_path: Path) -> None:
    folder = made_domains(
        tmp_path,
        {"a": (0.8, 0.2), "b": (0.7, 0.2)},
        masks=(*MASKS, "percent r=0.5", "percent r=0.1"),
        without={"b": ["percent r=0.5"]},
        leaking=["percent r=0.1"],
    )
    tables = tables_of(folder)
    assert POOLED not in tables.of("percent r=0.5")
    assert POOLED not in tables.of("percent r=0.1")
    assert set(tables.of("percent r=0.1")) == {"a", "b"}
    assert set(tables.pairs["mask"]) == {UNCHANGED, MEAN, *MASKS}
    both = [tables.of(mask)["a"]["accuracy"] for mask in MASKS]
    assert tables.of(MEAN)["a"]["accuracy"] == pytest.approx(np.mean(both))


def test_a_class_that_a_domain_lacks_counts_in_none(tmp_path: Path) -> None:
    """Of the eight classes the small domain shows five."""
    clips = {"big": 160, "small": 5}
    tables = tables_of(
        made_domains(tmp_path, dict.fromkeys(clips, (0.8, 0.1)), clips=clips, masks=())
    )
    row = tables.of(UNCHANGED)["big"]
    table = cell(tables, "big", UNCHANGED).table
    own = table.labels < 5
    answers = table.scores.argmax(axis=1)
    recalls = [(answers == table.labels)[table.labels == label].mean() for label in range(5)]
    assert own.any()
    assert row["classes"] == 5
    assert row["accuracy"] == pytest.approx(np.mean(recalls))
    assert np.isnan(tables.of(UNCHANGED)[POOLED]["accuracy_low"]), "five groups are too few"


def test_equal_domains_are_not_told_apart(tmp_path: Path) -> None:
    tables = tables_of(made_domains(tmp_path, dict.fromkeys("abcd", (0.7, 0.2)), masks=()))
    assert not (tables.pairs["p_holm"] < 0.05).any()


def test_calibration_and_bias_of_each_domain(three: DomainTables) -> None:
    rows = three.of(UNCHANGED)
    for domain in THREE:
        one = cell(three, domain, UNCHANGED)
        row = rows[domain]
        assert 0 <= row["ece_low"] <= row["ece"] <= row["ece_high"] <= 1
        assert row["brier_low"] < row["brier"] < row["brier_high"]
        own = three.bias[three.bias["domain"] == domain].to_dict("records")
        bias = {str(found["measure"]): found for found in own}
        for name in ("bias/skew_kl", "bias/recall_sd"):
            assert bias[name]["value"] == pytest.approx(one.metrics[name])
            assert bias[name]["low"] <= bias[name]["value"] < bias[name]["high"]
    balanced = cell(three, "hmdb51/all", UNCHANGED)  # 20 clips of each class
    assert rows["hmdb51/all"]["ece"] == pytest.approx(balanced.metrics["ece"])
    assert rows["hmdb51/all"]["brier"] == pytest.approx(balanced.metrics["brier"])
    counts = three.classes.groupby("domain", sort=False)["clips"].sum()
    assert counts.to_dict() == CLIPS


def test_metrics_and_files(three: DomainTables, tmp_path: Path) -> None:
    found = domain_metrics([three])
    rows = three.of(UNCHANGED)
    assert found == {
        "domains/accuracy_mean": rows[POOLED]["accuracy"],
        "domains/accuracy_worst": rows["ward"]["accuracy"],
        "domains/change_mean": three.of(MEAN)[POOLED]["change"],
    }
    assert all(find(name) for name in found)
    files = domain_files([three])
    assert [len(table) > 0 for table in files.values()] == [True] * 4
    assert not any(len(table) for table in domain_files([]).values())
    assert not model_tables(three.domains.comparisons), "models are compared on the same clips only"
