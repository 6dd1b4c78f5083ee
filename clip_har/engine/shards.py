"""What a model answered to one part of a cell's clips, as a file; and all parts' put together."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import as_os_error
from clip_har.data.shards import Shard
from clip_har.engine.noisy_answers import NoisyAnswers
from clip_har.engine.score import score_table
from clip_har.masking.effect import MaskEffect
from clip_har.results.costs import Cost, Part
from clip_har.results.score_table import ScoreTable

if TYPE_CHECKING:
    from clip_har.masking.masked_clips import MaskedClips
    from clip_har.models.zero_shot import Classifier

_EFFECT = "effect/"
_EFFECTS = {
    "realised_ratio": "mask_ratio",
    "subject_hidden": "subject_hidden",
    "subject_found": "subject_found",
    "native_black": "native_black",
    "feature_hidden": "feature_hidden",
    "feature_frames": "feature_frames",
}
"""What a mask did to a clip, and the score table's column of it."""


@dataclass(frozen=True, eq=False)
class PartAnswers:
    """Answers to N clips, before anything is measured.

    Attributes:
        clip_ids: of these clips.
        columns: by name, arrays of N rows: ``scores``, ``noise_rms``, ``noise_largest``, ``drift``
            and perhaps ``embeddings`` as in `clip_har.results.score_table.ScoreTable`; for learned
            noise those
            of `clip_har.engine.noisy_answers.NoisyAnswers` under ``noise/<name>/<column>``
            instead; and
            ``effect/<name>`` of `clip_har.masking.effect.MaskEffect`, NaN for None.
        seconds: that the answers took, by `clip_har.results.costs.Part`.
        compared: whether the clean twin's answers were there to measure drift from.
    """

    clip_ids: tuple[str, ...]
    columns: Mapping[str, NDArray[Any]]
    seconds: Mapping[Part, float] = field(default_factory=dict)
    compared: bool = False

    @classmethod
    def of_table(cls, table: ScoreTable) -> "PartAnswers":
        """Take what a model answered out of a score table."""
        columns: dict[str, NDArray[Any]] = {
            f"{_EFFECT}{name}": getattr(table, column) for name, column in _EFFECTS.items()
        }
        unknown = np.full(len(table.clip_ids), np.nan)
        columns |= {
            "scores": table.scores,
            "noise_rms": table.noise_rms,
            "noise_largest": table.noise_largest,
            "drift": unknown if table.drift is None else table.drift,
        }
        if table.embeddings is not None:
            columns["embeddings"] = table.embeddings
        return cls(table.clip_ids, columns)

    @classmethod
    def of_noise(
        cls,
        masked: "MaskedClips",
        answers: Mapping[str, NoisyAnswers],
        effects: Sequence[MaskEffect],
    ) -> "PartAnswers":
        """Take what a model answered to clips with learned noise, one row per evaluated clip."""
        columns: dict[str, NDArray[Any]] = {
            f"{_EFFECT}{name}": np.array([asdict(one)[name] for one in effects], np.float64)
            for name in _EFFECTS
        }
        for name, found in answers.items():
            columns |= {
                f"noise/{name}/{column.name}": getattr(found, column.name)
                for column in fields(found)
            }
        return cls(masked.evaluated_ids, columns)

    @property
    def embeddings(self) -> NDArray[np.float32] | None:
        """What the model made of the clips, ``(N, D)``; None where that was not kept."""
        return self.columns.get("embeddings")

    @property
    def effects(self) -> list[MaskEffect]:
        """What the mask did to each clip."""
        columns = [self.columns[f"{_EFFECT}{name}"].tolist() for name in _EFFECTS]
        found = []
        for row in zip(*columns, strict=True):
            # NaN, which is not equal to itself, stands for None.
            told: dict[str, Any] = {
                name: x if x == x else None for name, x in zip(_EFFECTS, row, strict=True)
            }
            found.append(MaskEffect(**told))
        return found

    @property
    def noisy(self) -> tuple[dict[str, NoisyAnswers], list[MaskEffect]]:
        """What was answered with learned noise, and what the mask did."""
        by_name: dict[str, dict[str, NDArray[Any]]] = {}
        for key, column in self.columns.items():
            kind, _, rest = key.partition("/")
            if kind == "noise":
                name, _, field = rest.rpartition("/")
                by_name.setdefault(name, {})[field] = column
        return {name: NoisyAnswers(**found) for name, found in by_name.items()}, self.effects

    def table(self, masked: "MaskedClips", classifier: "Classifier") -> ScoreTable:
        """Return the score table of these clips, which are all that are judged."""
        return score_table(
            masked,
            self.effects,
            self.columns["scores"],
            pooling=classifier.pooling,
            noise_rms=self.columns["noise_rms"],
            noise_largest=self.columns["noise_largest"],
            drift=self.columns["drift"],
            embeddings=self.columns.get("embeddings"),
        )

    def write(self, path: Path) -> None:
        """Write them as safetensors, whole or not at all."""
        with whole_file(path) as file:
            arrays = {name: np.ascontiguousarray(column) for name, column in self.columns.items()}
            try:
                save_file(
                    arrays,
                    file,
                    {
                        "clip_ids": json.dumps(self.clip_ids),
                        "seconds": json.dumps(dict(self.seconds)),
                        "compared": json.dumps(self.compared),
                    },
                )
            except SafetensorError as error:
                raise as_os_error(error) from error

    @classmethod
    def read(cls, path: Path) -> "PartAnswers":
        """Read what `write` wrote.

        Raises:
            ClipHarError: when the file is missing or damaged.
        """
        try:
            with safe_open(path, "numpy") as file:
                columns = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                told = {key: json.loads(text) for key, text in (file.metadata() or {}).items()}
                clip_ids, seconds = tuple(told["clip_ids"]), dict(told["seconds"])
                compared = bool(told["compared"])
            if any(len(column) != len(clip_ids) for column in columns.values()):
                raise ValueError("columns of other lengths")
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise ClipHarError(
                f"{path}: expected the answers of a shard, got {error}; remove it, and run that"
                " shard again"
            ) from error
        return cls(clip_ids, columns, seconds, compared)


def part_file(folder: Path, shard: Shard) -> Path:
    """Return where the answers of a shard lie, beside the folder of the whole cell's results."""
    return folder.with_suffix(".parts") / f"{shard.number}of{shard.count}.safetensors"


def find_parts(folder: Path, count: int | None = None) -> tuple[list[Path], list[Shard]]:
    """Look for the parts of a cell.

    Args:
        folder: of the whole cell's results.
        count: look only for the split into so many parts; None for any.

    Returns:
        The files of all parts of one split, empty where none is whole; and the shards that are
        missing from the split that is nearest to being whole.
    """
    counts: dict[int, set[int]] = {}
    for path in folder.with_suffix(".parts").glob("*of*.safetensors"):
        number, _, of = path.stem.partition("of")
        if number.isdecimal() and of.isdecimal() and count in {None, int(of)}:
            counts.setdefault(int(of), set()).add(int(number))
    if not counts:
        return [], []
    parts = min(counts, key=lambda parts: (parts - len(counts[parts]), parts))
    shards = [Shard(number, parts) for number in range(1, parts + 1)]
    missing = [shard for shard in shards if shard.number not in counts[parts]]
    return ([] if missing else [part_file(folder, shard) for shard in shards]), missing


def join_parts(parts: Sequence[PartAnswers], clip_ids: Sequence[str]) -> PartAnswers:
    """Put the answers to all parts together.

    Args:
        parts: of one split.
        clip_ids: of the clips that are judged, in their order.

    Raises:
        ClipHarError: when the parts are not exactly these clips, or only some were compared with
            the clean twin.
    """
    if len({part.compared for part in parts}) > 1:
        raise ClipHarError(
            "some shards were answered with clean_twin=false and some with a clean twin: run them"
            " all again with overwrite=always and the same clean_twin"
        )
    found = [clip_id for part in parts for clip_id in part.clip_ids]
    if sorted(found) != sorted(clip_ids):
        raise ClipHarError(
            f"the shards hold answers to {len(found)} clips that are not the {len(clip_ids)} of the"
            " whole cell: the data changed between them; run the shards again with overwrite=always"
        )
    at = {clip_id: row for row, clip_id in enumerate(found)}
    order = [at[clip_id] for clip_id in clip_ids]
    spent = Cost()
    for part in parts:
        spent.add(part.seconds)
    return PartAnswers(
        tuple(clip_ids),
        {
            name: np.concatenate([part.columns[name] for part in parts])[order]
            for name in parts[0].columns
        },
        spent.seconds,
        parts[0].compared,
    )
