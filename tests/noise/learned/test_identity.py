"""Where noise is learned from, and what makes it another noise."""

import csv
import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clip_har.config.cell import Cell
from clip_har.config.fingerprint import fingerprint
from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.data.clips import Clip, ClipSet
from clip_har.data.sources.manifest import Manifest
from clip_har.noise.learned.identity import described_fit, training_clips
from clip_har.noise.learned.learning_settings import LearningSettings, LossWeights
from clip_har.noise.learned.settings import (
    BorderNoise,
    ClassSpecificNoise,
    EmbeddingNoise,
    ResidualNoise,
    UniversalNoise,
    universal_twin,
)
from tests.data.made import write_video
from tests.noise.cells import cell_of, identity, learned_of
from tests.planted import CLASSES

Rows = Sequence[Sequence[str]]

pytestmark = pytest.mark.usefixtures("no_kept_clips")


class Parts(Settings):
    """A data set with known parts."""

    evaluated: tuple[str, ...] = ("test a", "test b")
    learned: tuple[str, ...] = ("train a", "train b")
    groups: dict[str, str] = {}  # noqa: RUF012, pydantic's
    classes: tuple[str, ...] = ("run", "jump")
    train_classes: tuple[str, ...] = ("run", "jump")
    part: str = "evaluated"

    def __hash__(self) -> int:
        return hash(self.model_dump_json())

    def training(self) -> "Parts":
        return self.model_copy(update={"part": "learned", "classes": self.train_classes})

    def clips(self) -> ClipSet:
        names = getattr(self, self.part)
        return ClipSet(
            f"made/{self.part}",
            self.classes,
            tuple(
                Clip(name, Path(name), number % 2, self.groups.get(name, name))
                for number, name in enumerate(names)
            ),
            licence="",
            citation="",
        )


# The training split


def test_the_clips_are_those_of_the_training_split():
    clips = training_clips(Parts(), None)
    assert clips.name == "made/learned"
    assert [clip.id for clip in clips.clips] == ["train a", "train b"]


def test_at_most_so_many_clips_are_used_evenly_spread():
    names = tuple(f"train {number}" for number in range(10))
    clips = training_clips(Parts(learned=names), 2)
    assert [clip.id for clip in clips.clips] == ["train 2", "train 7"]


@pytest.mark.parametrize("limit", [None, 1])
def test_clips_that_are_evaluated_are_not_learned_from(limit):
    source = Parts(learned=("train a", "test b", "test a") if limit is None else ("test b",))
    with pytest.raises(ClipHarError, match=r"also evaluated, such as test [ab]: ") as caught:
        training_clips(source, limit)
    assert "made/learned" in str(caught.value)
    assert "dataset.subset=test" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_both_parts_have_the_same_classes_in_the_same_order():
    message = r"^noise: made/learned and made/evaluated have different classes$"
    with pytest.raises(ClipHarError, match=message):
        training_clips(Parts(train_classes=("run", "hop")), None)
    with pytest.raises(ClipHarError, match=message):
        training_clips(Parts(train_classes=("jump", "run")), None)


@pytest.mark.parametrize("limit", [None, 1])
def test_groups_that_are_evaluated_are_not_learned_from(limit, caplog):
    """Nor if the first clips that are learned from are of other groups."""
    source = Parts(groups={"train a": "actor 2", "test b": "actor 2"})
    with pytest.raises(ClipHarError, match=r"^noise is learned on made/learned, .*1: actor 2"):
        training_clips(source, limit)
    training_clips(Parts(), limit)
    assert not caplog.records


# The universal control


LEARNING = LearningSettings(steps=7, batch=11, optimiser="sign", train_clips=9)
SHARED: dict[str, Any] = {
    "seed": 3,
    "train_masking": ("percent",),
    "train_ratios": (0.2,),
    "learning": LEARNING,
}
PIXELS: dict[str, Any] = {
    "epsilon": 5.0,
    "norm": "l2",
    "resolution": 7,
    "static": False,
    "where": "visible",
}


def test_noise_is_learned_on_the_shared_classes(tmp_path: Path) -> None:
    (tmp_path / "shared.csv").write_text("class,made\njumping,jump\nrunning,run\n")
    clips = training_clips(Parts(), None, str(tmp_path / "shared.csv"))
    assert clips.class_names == ("jumping", "running")
    assert clips.labels.tolist() == [1, 0]
    (tmp_path / "part.csv").write_text("class,made/evaluated\njumping,jump\nrunning,run\n")
    with pytest.raises(ClipHarError, match="no column for the data set made/learned"):
        training_clips(Parts(), None, str(tmp_path / "part.csv"))


def test_the_universal_twin_differs_only_in_being_one_for_all():
    twin = universal_twin(
        ClassSpecificNoise(protocol="topk", attention_clips=1, **PIXELS, **SHARED)
    )
    assert twin == UniversalNoise(**PIXELS, **SHARED)
    assert twin.loss == LossWeights(cross_entropy=1), "0.3 beside ranking, which it cannot have"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"ranking": 1}, {"cross_entropy": 1}),
        ({"ranking": 9, "contrast": 2, "bias": 0.5}, {"bias": 1}),
        ({"cross_entropy": 0.2, "attention": 0.4, "bias": 0.1},
         {"cross_entropy": 0.5, "attention": 1, "bias": 0.25}),
    ],
)  # fmt: skip
def test_the_twin_is_learned_by_the_same_terms_but_those_between_classes(given, expected):
    twin = universal_twin(ClassSpecificNoise(loss=LossWeights(**given)))
    assert twin.loss == LossWeights(**expected)


def test_the_twin_may_be_as_large_as_both_parts_of_a_residual_together():
    noise = ResidualNoise(epsilon_class=2.5, **PIXELS, **SHARED)
    assert universal_twin(noise) == UniversalNoise(**{**PIXELS, "epsilon": 7.5}, **SHARED)
    most = ResidualNoise(epsilon=250, epsilon_class=50)
    assert universal_twin(most).epsilon == 255


def test_the_twin_of_noise_in_feature_space_has_the_usual_budget_of_pixels():
    twin = universal_twin(EmbeddingNoise(epsilon=0.7, **SHARED))
    assert twin == UniversalNoise(**SHARED)
    assert twin.epsilon == UniversalNoise().epsilon != 0.7


def test_the_twin_is_learned_even_where_noise_comes_from_a_file():
    twin = universal_twin(ClassSpecificNoise(file=Path("noise.safetensors")))
    assert twin.file is None


@pytest.mark.parametrize("noise", [UniversalNoise, BorderNoise])
def test_the_twin_of_noise_for_all_classes_is_like_it(noise):
    assert universal_twin(noise(epsilon=3, **SHARED)) == UniversalNoise(epsilon=3, **SHARED)


# What shapes it


def rows_of(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def write_table(path: Path, rows: Rows) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "group", "split"])
        writer.writerows(rows)
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of each class for learning, one for evaluation."""
    folder = tmp_path_factory.mktemp("manifest")
    rows = []
    for number in range(15):
        label = CLASSES[number % 5]
        write_video(folder / f"{number}.mp4", 8 + number)
        rows.append((f"{number}.mp4", label, f"g{number}", "train" if number < 10 else "test"))
    return write_table(folder / "clips.csv", rows)


@pytest.fixture(scope="module")
def base(table: Path, small_clip: Path) -> list[str]:
    return [
        "dataset=manifest",
        f"dataset.path={table}",
        "dataset.subset=test",
        "model=clip",
        f"model.checkpoint={small_clip}",
    ]


def described(*overrides: str) -> str:
    cell: Cell = cell_of(*overrides)
    return json.dumps(described_fit(learned_of(cell), cell), sort_keys=True)


def printed(*overrides: str) -> str:
    cell = cell_of(*overrides)
    return fingerprint(cell, cell.dataset.clips().limit(cell.limit))


NOISE = "noise=class_specific"


@pytest.mark.parametrize(
    "change",
    [
        "noise=universal",
        "noise.epsilon=3",
        "noise.seed=1",
        "noise.norm=l2",
        "noise.resolution=8",
        "noise.static=false",
        "noise.where=visible",
        "noise.wrong=2",
        "noise.loss.bias=0.1",
        "noise.train_masking=[none]",
        "noise.train_ratios=[0.2]",
        "learning.steps=2",
        "learning.batch=2",
        "learning.optimiser=sign",
        "learning.step_size=0.1",
        "learning.validation_share=0.4",
        "learning.train_clips=5",
        "frames.count=4",
        "frames.fit=squash",
        "model.pooling=max",
        "prompts=bare",
        "precision=bf16",
    ],
)
def test_what_shapes_noise_is_another_noise(base, change):
    assert described(*base, NOISE, change) != described(*base, NOISE)


@pytest.mark.parametrize(
    "change",
    [
        "noise.protocol=oracle",
        "noise.top_k=2",
        "noise.controls=false",
        "noise.attention_clips=0",
        "masking=percent",
        "region=motion",
        "seed=4",
        "limit=2",
        "batch_size=1",
        "device=cpu",
        "frames.workers=1",
        "frames.on_error=skip",
        "cache_dir=elsewhere",
    ],
)
def test_how_noise_is_used_is_not(base, change):
    more = ["noise_seed=0"]  # it follows the seed unless it is set
    assert described(*base, NOISE, *more, change) == described(*base, NOISE, *more)


def test_the_cells_own_mask_shapes_noise_that_is_learned_under_it(base):
    same = [*base, NOISE, "noise.train_masking=[same]"]
    assert described(*same, "masking=percent", "ratio=0.2") != described(*same, "masking=percent")
    assert described(*same, "masking=percent") != described(*same, "masking=shape")


@pytest.mark.parametrize(
    "aimed",
    [
        ["noise.loss.attention=1"],
        ["noise.train_masking=[feature]"],
        ["noise.train_masking=[same]", "masking=feature"],
    ],
    ids=["attention", "train_masking", "same"],
)
def test_the_region_shapes_noise_that_needs_to_know_the_subjects_place(base, aimed, tmp_path):
    (tmp_path / "maps").mkdir()
    for number in range(15):
        maps = np.ones((8 + number, 64, 96), np.uint8)
        np.savez_compressed(tmp_path / "maps" / f"{number}.npz", labels=maps)
    known = ["region=annotation", f"region.maps={tmp_path / 'maps'}"]
    one = described(*base, NOISE, *aimed, "region=motion")
    assert one != described(*base, NOISE, *aimed, *known)
    other = described(*base, NOISE, *aimed, "region=motion", "region.on_empty=whole")
    assert one != other


def test_another_code_is_another_noise(base, monkeypatch):
    before = described(*base, NOISE)
    monkeypatch.setattr("clip_har.noise.learned.identity.code_of", lambda *_: "other code")
    assert described(*base, NOISE) != before


def test_other_weights_are_another_noise(base, small_clip, tmp_path):
    from tests.checkpoints import SMALL, write_checkpoint

    other = write_checkpoint(tmp_path / "other", SMALL, seed=1)
    changed = [*base[:-1], f"model.checkpoint={other}"]
    assert described(*changed, NOISE) != described(*base, NOISE)


# The clips that it comes from, in the identity of the cell


@pytest.fixture
def own_table(table: Path, tmp_path: Path) -> Path:
    """A copy of the table that may be changed."""
    return write_table(tmp_path / "clips.csv", rows_of(table))


def moved(base: list[str], own_table: Path, table: Path) -> list[str]:
    return [base[0], f"dataset.path={own_table}", f"dataset.root={table.parent}", *base[2:]]


def without(path: Path, name: str) -> None:
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(row for row in rows if not row.startswith(f"{name},")))


def test_other_training_clips_are_another_cell(base, own_table, table):
    cell = moved(base, own_table, table)
    learned, plain = printed(*cell, NOISE), printed(*cell)
    assert learned != plain
    noise = described(*cell, NOISE)
    without(own_table, "3.mp4")  # of the training split
    training_clips.cache_clear()
    assert printed(*cell, NOISE) != learned
    assert described(*cell, NOISE) != noise
    assert printed(*cell) == plain, "a cell without learned noise does not know of them"


def test_other_evaluated_clips_are_another_cell_but_the_same_noise(base, own_table, table):
    cell = moved(base, own_table, table)
    learned, noise = printed(*cell, NOISE), described(*cell, NOISE)
    without(own_table, "12.mp4")  # of the test split
    training_clips.cache_clear()
    assert printed(*cell, NOISE) != learned
    assert described(*cell, NOISE) == noise


def test_another_content_of_a_training_clip_is_another_cell(base, table, tmp_path, small_clip):
    folder = tmp_path / "videos"
    folder.mkdir()
    for path in table.parent.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    cell = [base[0], f"dataset.path={folder / 'clips.csv'}", *base[2:], NOISE]
    before = printed(*cell)
    assert before == printed(*base, NOISE), "where the clips lie does not matter"
    write_video(folder / "3.mp4", 30)
    training_clips.cache_clear()
    assert printed(*cell) != before


def test_noise_from_a_file_that_is_missing(base, tmp_path):
    path = tmp_path / "noise.safetensors"
    with pytest.raises(ClipHarError, match=rf"^noise\.file={path}: there is no such file$"):
        printed(*base, NOISE, f"noise.file={path}")


def test_noise_from_a_file_needs_no_training_clips_unless_a_control_does(base, table, tmp_path):
    path = tmp_path / "noise.safetensors"
    path.write_bytes(b"noise")
    own = write_table(tmp_path / "clips.csv", [row for row in rows_of(table) if row[3] == "test"])
    cell = [*moved(base, own, table), NOISE, f"noise.file={path}"]
    assert identity(cell_of(*cell, "noise.controls=false"))
    with pytest.raises(ClipHarError, match="train"):
        identity(cell_of(*cell))


@pytest.mark.parametrize("noise", ["none", "gaussian"])
def test_noise_that_is_not_learned_comes_from_nowhere(base, noise):
    assert identity(cell_of(*base, f"noise={noise}")) == ""


def test_the_tables_training_split_is_what_is_learned_from(base, table, caplog):
    with caplog.at_level(logging.WARNING):
        clips = training_clips(Manifest(path=table, subset="test"), None)
    assert len(clips.clips) == 10
    assert not caplog.records
    with pytest.raises(ClipHarError, match="also evaluated"):
        training_clips(Manifest(path=table), None)


def test_noise_of_a_file_counts_by_its_content_not_its_place(base, tmp_path):
    files = [tmp_path / "a" / "noise.safetensors", tmp_path / "noise.safetensors"]
    for path in files:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"one")
    one, other = (printed(*base, NOISE, f"noise.file={path}") for path in files)
    assert one == other
    files[0].write_bytes(b"two")
    assert printed(*base, NOISE, f"noise.file={files[0]}") != one
