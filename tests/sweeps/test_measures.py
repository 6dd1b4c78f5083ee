"""What the cells of a sweep tell together, from their folders on disk."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from clip_har.config.cell import register_schema
from clip_har.config.compose import CONFIG_DIR, cell_from_config
from clip_har.core.checksum import write_manifest
from clip_har.results.files import METRICS, PROTOCOL, SCORES, write_json
from clip_har.results.result import Result
from clip_har.sweeps.measures import sweep_measures
from tests.report.made import varies
from tests.tables import made_table

LABELS = [0, 0, 1, 1, 2, 2]


def finished(folder: Path, name: str, right: Sequence[int], *overrides: str) -> Result:
    """Return a cell as it would lie on disk with given answers."""
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        cell = cell_from_config(compose("config", overrides=["region=motion", *overrides]))
    place = folder / name
    place.mkdir()
    table = made_table(labels=LABELS, classes=3, right=right)
    table = replace(table, scene_labels=np.array([1, 1, 2, 2, 0, 0]))
    table.write(place / SCORES)
    write_json(place / METRICS, {"top1": float(np.mean(right)), "data/clips": 6.0})
    card = {"clean_twin": None, "uses_true_label_at_test_time": cell.uses_label}
    write_json(place / PROTOCOL, card | {"notes": list(cell.notes())})
    write_manifest(place)
    return Result(place, varies(name), cell)


def scene_set(folder: Path, *overrides: str, name: str = "") -> list[Result]:
    ways = {
        "none": [1, 1, 1, 1, 1, 0], "background_only": [1, 1, 0, 0, 0, 0],
        "person_only": [1, 1, 1, 1, 0, 0], "swap": [1, 0, 0, 0, 0, 0],
        "swap_frozen": [0, 0, 0, 0, 0, 0],
    }  # fmt: skip
    return [
        finished(folder, f"{way}{name}", right, f"masking={way}", "ratio=null", *overrides)
        for way, right in ways.items()
    ]


def test_the_scene_set_gives_every_measure(tmp_path: Path) -> None:
    metrics = sweep_measures(scene_set(tmp_path)).metrics()
    assert metrics == pytest.approx(
        {
            "scene/clean": 5 / 6,
            "scene/background_only": 2 / 6,
            "scene/person_only": 4 / 6,
            "scene/swap_accuracy": 1 / 6,
            "scene/swap_error": 5 / 6,
            "scene/errors_to_scene": 1,
            "scene/contrasted_accuracy": 1 / 6,
            "scene/background_ratio": 2 / 5,
            "scene/subject_reliance": 3 / 6,
            "scene/essential_cue": 4 / 5,
        }
    )


def test_several_sets_stay_apart(tmp_path: Path) -> None:
    cells = scene_set(tmp_path, "dataset.scene_bias=0.5", name=" a")
    cells += scene_set(tmp_path, "dataset.scene_bias=0.9", name=" b")
    found = sweep_measures(cells)
    assert set(found.rows["of"]) == {"scene_bias=0.5", "scene_bias=0.9"}
    assert found.metrics()["scene/swap_error/scene_bias 0.9"] == pytest.approx(5 / 6)


def test_a_cell_reused_under_two_names_counts_once(tmp_path: Path) -> None:
    cells = scene_set(tmp_path)
    again = replace(cells[0], named={"masking": "none again"})
    assert len(sweep_measures([*cells, again]).rows) == 10


def test_one_clean_result_serves_every_feature(tmp_path: Path) -> None:
    cells = []
    for feature in ("background", "person"):
        clean = finished(tmp_path, f"none {feature}", [1] * 6, f"feature={feature}", "ratio=null")
        cells.append(replace(clean, folder=tmp_path / "none background"))
        cells.append(
            finished(
                tmp_path, f"feature {feature}", [1, 1, 1, 0, 0, 0],
                "masking=feature", f"feature={feature}", "ratio=null",
            )
        )  # fmt: skip
    metrics = sweep_measures(cells).metrics()
    assert metrics["scene/reliance"] == metrics["scene/subject_reliance"] == 0.5
    assert metrics["scene/clean/feature background"] == 1


def test_a_frozen_twin_of_another_picture_gives_no_contrast(tmp_path: Path) -> None:
    cells = scene_set(tmp_path)
    cells[-1] = finished(tmp_path, "other", [0] * 6, "masking=swap_frozen", "ratio=null",
                         "masking.grow=3")  # fmt: skip
    assert "scene/contrasted_accuracy" not in sweep_measures(cells).metrics()


def test_the_attribution_of_the_model_is_no_truth_about_scenes(tmp_path: Path) -> None:
    cells = scene_set(tmp_path, "region=relevance")
    assert sweep_measures(cells).rows.empty


def test_what_leaks_the_label_is_marked_in_what_the_sweep_tells(tmp_path: Path) -> None:
    at = ("masking=feature", "region=relevance", "region.attribution=label", "ratio=null")
    cells = [
        finished(tmp_path, f"{fill}", [1] * 6, *at, f"fill={fill}") for fill in ("red", "blue")
    ]
    cells = [replace(one, named={"masking": "feature", "fill": one.mask}) for one in cells]
    (of,) = sweep_measures(cells).rows["of"]
    assert "[uses the true label]" in of


def test_paths_make_no_metric_name_that_mlflow_refuses(tmp_path: Path) -> None:
    cells = []
    for name in ("a", "b"):
        cells += scene_set(tmp_path, "model=clip", f"model.checkpoint=/m/{name}/", name=name)
    names = set(sweep_measures(cells).metrics())
    assert "scene/clean/checkpoint m a" in names
    assert not any(name.endswith("/") for name in names)


def test_how_much_each_class_relies_on_what_was_hidden(tmp_path: Path) -> None:
    cells = [
        finished(tmp_path, "clean", [1] * 6, "masking=none"),
        finished(
            tmp_path, "hidden", [1, 1, 1, 0, 0, 0],
            "masking=feature", "feature=background", "masking.ratio=null", "ratio=0.3",
        ),
        finished(tmp_path, "clean 2", [1] * 6, "feature=background"),
    ]  # fmt: skip
    found = sweep_measures(cells)
    assert found.metrics() == pytest.approx({"scene/clean": 1, "scene/reliance": 0.5})
    assert set(found.per_class["cell"]) == {"hidden"}
    assert found.per_class.set_index("class")["reliance"].to_dict() == {
        "class 2": 1.0, "class 1": 0.5, "class 0": 0.0,
    }  # fmt: skip


def test_parts_of_targets_and_controls_are_no_background(tmp_path: Path) -> None:
    cells = [
        finished(tmp_path, "clean", [1] * 6, "masking=none"),
        finished(tmp_path, "part", [1, 0] * 3, "masking=feature", "ratio=0.3"),
        finished(tmp_path, "away", [1, 0] * 3, "masking=feature", "masking.ratio=null",
                 "masking.place=away"),
    ]  # fmt: skip
    assert sweep_measures(cells).rows.empty


def test_two_cells_for_one_role_give_a_warning_and_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells = scene_set(tmp_path)
    cells.append(
        finished(
            tmp_path, "feature exact", [0] * 6,
            "masking=feature", "ratio=null", "masking.hole=exact",
        )
    )  # fmt: skip
    measures = set(sweep_measures(cells).rows["measure"])
    assert "scene/background_only" not in measures
    assert "scene/swap_error" in measures
    assert "one cell as background_only, left out: background_only, feature exact" in caplog.text


def test_fill_spread_is_the_largest_minus_the_smallest(tmp_path: Path) -> None:
    hits = {"black": [1, 0, 0, 0, 0, 0], "mean": [1, 1, 1, 0, 0, 0], "noise": [1, 1, 0, 0, 0, 0]}
    cells = [
        finished(tmp_path, f"percent r=0.3 fill={fill}", right, "masking=percent", f"fill={fill}")
        for fill, right in hits.items()
    ]
    found = sweep_measures(cells)
    assert found.rows["measure"].tolist() == ["robustness/fill_spread"]
    assert found.rows["value"].tolist() == pytest.approx([2 / 6])
    assert found.rows["of"].tolist() == ["percent r=0.3 (black, mean, noise)"]
    assert found.metrics() == {"robustness/fill_spread": pytest.approx(2 / 6)}


def test_spreads_of_several_masks_have_a_name_each(tmp_path: Path) -> None:
    cells = [
        finished(tmp_path, f"percent r={ratio} fill={fill}", [1] * 6,
                 "masking=percent", f"fill={fill}", f"ratio={ratio}")
        for fill in ("black", "mean") for ratio in (0.1, 0.3)
    ]  # fmt: skip
    assert set(sweep_measures(cells).metrics()) == {
        "robustness/fill_spread/percent r 0.1 black mean",
        "robustness/fill_spread/percent r 0.3 black mean",
    }


def test_fills_of_other_masks_are_not_mixed(tmp_path: Path) -> None:
    cells = [
        finished(tmp_path, "a", [1] * 6, "masking=percent", "fill=black"),
        finished(tmp_path, "b", [0] * 6, "masking=percent", "fill=mean", "ratio=0.5"),
        finished(tmp_path, "c", [0] * 6, "masking=percent", "fill=noise", "seed=1"),
        finished(tmp_path, "d", [0] * 6, "masking=none", "fill=noise"),
    ]
    assert sweep_measures(cells).rows.empty


def test_no_cell_gives_no_measure() -> None:
    assert sweep_measures([]).rows.empty
