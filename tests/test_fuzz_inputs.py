"""Damaged lists, tables, mask files, tensors and configurations: read, or refused in one line.

``CLIP_HAR_FUZZ_SEED`` says which damage is done.
"""

import json
import os
import pickle
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from PIL import Image
from safetensors.torch import save_file

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import read_tensors, write_tensors
from clip_har.data.sources.cholec80 import read_phases
from clip_har.data.sources.hmdb51 import HMDB51
from clip_har.data.sources.jigsaws import JIGSAWS
from clip_har.data.sources.manifest import Manifest
from clip_har.data.sources.omnifall import OmniFall
from clip_har.data.sources.ucf101 import UCF101
from clip_har.models.checkpoint import weights_digest
from clip_har.models.processor import pixel_scale
from clip_har.regions.boxes import read_boxes
from clip_har.regions.mask_files import read_maps
from clip_har.results.score_table import ScoreTable
from clip_har.results.shard_scores import read_shard, write_shard
from clip_har.results.variant_scores import VariantScores
from experiments.ucf101_24.convert import convert
from tests.config.test_cell import composed
from tests.data.sources.healthcare import lay_cholec80, lay_jigsaws, lay_omnifall
from tests.data.sources.test_ucf101 import lay_out
from tests.data.test_fuzz import mutant
from tests.tables import made_table

SEED = int(os.environ.get("CLIP_HAR_FUZZ_SEED", "0"))
MUTANTS = 60  # of each kind


def manifest(folder: Path) -> Path:
    (folder / "a.mp4").touch()
    (folder / "b.mp4").touch()
    path = folder / "clips.csv"
    path.write_text("path,label,group,start,end\na.mp4,run,g1,0.5,1.5\nb.mp4,jump,g2,,\n")
    return path


def parquet(folder: Path) -> Path:
    pd.read_csv(manifest(folder)).to_parquet(folder / "clips.parquet")
    return folder / "clips.parquet"


def ucf_list(folder: Path) -> Path:
    return lay_out(folder) / "ucfTrainTestlist" / "testlist01.txt"


def ucf_classes(folder: Path) -> Path:
    return lay_out(folder) / "ucfTrainTestlist" / "classInd.txt"


def hmdb_list(folder: Path) -> Path:
    (folder / "run").mkdir()
    (folder / "run" / "a.avi").touch()
    path = folder / "run_test_split1.txt"
    path.write_text("a.avi 2 \n")
    return path


def omnifall_labels(folder: Path) -> Path:
    return lay_omnifall(folder) / "labels/le2i.csv"


def phases(folder: Path) -> Path:
    return lay_cholec80(folder) / "phase_annotations/video80-phase.txt"


def gestures(folder: Path) -> Path:
    return lay_jigsaws(folder) / "Suturing/transcriptions/Suturing_B001.txt"


def mask_image(folder: Path) -> Path:
    masks = folder / "clip"
    masks.mkdir()
    for number in range(3):
        Image.fromarray(np.eye(16, dtype=np.uint8) * 255).save(masks / f"{number}.png")
    return masks / "1.png"


def mask_array(folder: Path) -> Path:
    np.savez(folder / "clip.npz", masks=np.ones((3, 16, 16), np.float32))
    return folder / "clip.npz"


def box_table(folder: Path) -> Path:
    path = folder / "boxes.csv"
    path.write_text("video,frame,x1,y1,x2,y2\nv_a,1,1,2,30,40\nv_a,2,1,2,30,40\n")
    return path


def box_pickle(folder: Path) -> Path:
    path = folder / "boxes.pkl"
    tube = np.array([[1, 2, 3, 30, 40], [2, 2, 3, 30, 40]], np.float32)
    content = {"gttubes": {"Run/v_a": {0: [tube]}}, "nframes": {"Run/v_a": 2}}
    path.write_bytes(pickle.dumps(content | {"resolution": {"Run/v_a": (64, 48)}}))
    return path


def score_table(folder: Path) -> Path:
    made_table(labels=[0, 1, 2, 0], classes=3, right=[1, 1, 0, 1]).write(folder / "scores.parquet")
    return folder / "scores.parquet"


def tensors(folder: Path) -> Path:
    write_tensors(folder / "noise.safetensors", {"delta": torch.ones(3, 4)}, {"card": "{}"})
    return folder / "noise.safetensors"


def shard(folder: Path) -> Path:
    answers = {
        "none": VariantScores(made_table(labels=[0, 1, 2, 0], classes=3, right=[1, 1, 0, 1]))
    }
    write_shard(folder / "1of2", "none", answers, seconds={}, compared=False)
    return folder / "1of2" / "shard.json"


def preprocessor(folder: Path) -> Path:
    save_file({"w": torch.ones(2)}, folder / "model.safetensors")
    path = folder / "preprocessor_config.json"
    content = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.2, 0.2, 0.2], "size": 224}
    path.write_text(json.dumps({"image_processor_type": "CLIPImageProcessor", **content}))
    return path


def read_checkpoint(path: Path) -> None:
    pixel_scale(path.parent)
    weights_digest(path.parent)


KINDS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "manifest": (manifest, lambda path: Manifest(path=path).clips()),
    "manifest in Parquet": (parquet, lambda path: Manifest(path=path).clips()),
    "UCF-101 list": (ucf_list, lambda path: UCF101(root=path.parents[1]).clips()),
    "UCF-101 classes": (ucf_classes, lambda path: UCF101(root=path.parents[1]).clips()),
    "HMDB-51 list": (
        hmdb_list,
        lambda path: HMDB51(root=path.parent).clips(),
    ),
    "mask image": (mask_image, lambda path: read_maps(path.parent, range(3)).of("subject")),
    "mask array": (mask_array, lambda path: read_maps(path, range(3)).of("subject")),
    "boxes": (box_table, lambda path: read_boxes(path, size=(64, 48))),
    "boxes in a pickle": (box_pickle, lambda path: convert(path, path.with_suffix(".csv"))),
    "score table": (score_table, ScoreTable.read),
    "noise": (tensors, read_tensors),
    "shard": (shard, lambda path: read_shard(path.parent)),
    "checkpoint's settings": (preprocessor, read_checkpoint),
    "OmniFall labels": (
        omnifall_labels,
        lambda path: OmniFall(root=path.parents[1], part="le2i").clips(),
    ),
    "Cholec80 phases": (phases, read_phases),
    "JIGSAWS gestures": (gestures, lambda path: JIGSAWS(root=path.parents[2]).clips()),
}


@pytest.mark.filterwarnings("ignore::UserWarning")  # of Pillow and numpy, about what they read
@pytest.mark.parametrize("kind", KINDS)
def test_damaged_files_are_read_or_refused(kind, tmp_path):
    write, read = KINDS[kind]
    path = write(tmp_path)
    whole = path.read_bytes()
    assert read(path) is not None or kind == "checkpoint's settings"
    draws = np.random.default_rng([SEED, list(KINDS).index(kind)])
    refused = 0
    for number in range(MUTANTS):
        path.write_bytes(mutant([whole, whole[::-1]], draws))
        try:
            read(path)
        except ClipHarError as error:
            refused += 1
            if "\n" in str(error):
                pytest.fail(f"mutant {number}: {error}")
        except ValueError as error:
            refused += 1
            if kind != "noise":  # its caller names the file
                pytest.fail(f"mutant {number}: {error!r}")
    assert refused > 0.1 * MUTANTS, "the mutations do damage"


JUNK: tuple[Any, ...] = (
    *(None, "", "junk", "../../etc", "${oc.env:HOME}x", "\x00", "{}", -1, 0, 10**30, 1e-320),
    *(float("nan"), float("inf"), True, [], [1, "a"], {"a": 1}, {"_target_": "os.system"}),
    *({"_target_": "clip_har.core.atomic.clear_up"}, {"_target_": 3}),
)


def leaves(node: Any, prefix: str = "") -> list[str]:
    if not isinstance(node, dict):
        return [prefix]
    found = [prefix] if prefix else []
    return found + [
        path
        for key, value in node.items()
        for path in leaves(value, f"{prefix}.{key}" if prefix else key)
    ]


@pytest.mark.parametrize(
    "options",
    [
        ("masking=percent", "noise=class_specific"),
        ("masking=feature", "region=motion", "dataset=manifest", "dataset.path=x", "model=clip"),
    ],
)
def test_junk_in_a_configuration_is_refused_in_one_line(options):
    draws = np.random.default_rng(SEED)
    whole = OmegaConf.to_container(composed(*options), resolve=False)
    paths = leaves(whole)
    accepted = refused = 0
    for _ in range(200):
        config = OmegaConf.create(deepcopy(whole))
        assert isinstance(config, DictConfig)
        path = paths[draws.integers(len(paths))]
        junk = JUNK[draws.integers(len(JUNK))]
        try:
            OmegaConf.update(config, path, junk, merge=bool(draws.integers(2)))
            cell_from_config(config)
            accepted += 1
        except ClipHarError as error:
            refused += 1
            if "\n" in str(error):
                pytest.fail(f"{path}={junk!r}: {error}")
        except OmegaConfBaseException:
            refused += 1  # `clip_har.cli.errors` makes one line of it
    assert refused > accepted
