"""One finished cell: all that is in its folder, read when it is needed."""

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_har.config.cell import Cell
from clip_har.config.compose import cell_of
from clip_har.config.measures import MeasureSettings
from clip_har.core.checksum import MANIFEST, read_manifest
from clip_har.core.code_version import code_of
from clip_har.core.errors import ClipHarError
from clip_har.core.prefixes import CURVES
from clip_har.results.files import (
    ATTENTION,
    CONFIG,
    COST,
    LOSS_CURVE,
    METRICS,
    METRICS_CODE,
    NOISE,
    PICTURED,
    PROBE_CARD,
    PROBES,
    PROTOCOL,
    SCORES,
    lost_files,
    read_config,
    read_json,
)
from clip_har.results.flat import flat_settings
from clip_har.results.measured import Measured
from clip_har.results.names import MASK, RATIO, Words, cell_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clip_har.results.score_table import ScoreTable
    from clip_har.results.variant_scores import VariantScores

TWIN = "none (clean twin)"
"""The name of a clean twin that was run only for another cell."""


def reference_name(split: str) -> str:
    """Return the name of a reference cell that was run only for another cell."""
    return f"none (reference, {split})"


_OF_SEVERAL_CELLS = (METRICS, PROBES, PROBE_CARD)
"""The files that are made from its score table and from that of its clean twin or reference."""


@cache
def metrics_code() -> str:
    """Return a digest of the code that computes the numbers of a cell from its tables."""
    return code_of(
        "clip_har.metrics.summary",
        "clip_har.metrics.noise_effect",
        "clip_har.metrics.tables",
        "clip_har.metrics.attributes",
        "clip_har.metrics.attention",
    )


@dataclass(frozen=True, eq=False)
class Result:
    """A finished cell.

    Attributes:
        folder: the folder of its files.
        named: what varies within its sweep, see `what_varies`; None: as in its first run.
        known_cell: its settings if they are known; None to read them from ``config_path``.
        is_twin: whether it is used as the clean twin of another cell.
        apart: what sets it apart from the other clean twins that it is shown with.
        words: the words of the cells that it is shown with; None for a cell on its own.
        job_command: the command of the job that it is the result of; None: of its first run.
        job_config: the configuration of this job; None: of its first run. Cells that differ only
            in keys that their mask does not use share a folder, but not the settings.
        known_reference: the folder of its reference cell if it is known; None: as it was noted.
    """

    folder: Path
    named: Mapping[str, Any] | None = None
    known_cell: Cell | None = field(default=None, repr=False)
    is_twin: bool = field(default=False, repr=False)
    apart: str = field(default="", repr=False)
    words: Words | None = field(default=None, repr=False)
    job_command: str | None = field(default=None, repr=False)
    job_config: Path | None = field(default=None, repr=False)
    known_reference: Path | None = field(default=None, repr=False)

    @staticmethod
    def at(folder: Path) -> "Result | None":
        """Return the finished result in a folder; None if there is none.

        A result is finished when all its files are as its manifest says, apart from those that can
        be made again from its score table, see `is_whole`.
        """
        return None if lost_files(folder) else Result(folder)

    @staticmethod
    def shared(folder: Path, *, is_twin: bool = False) -> "Result | None":
        """Return the finished result in a folder that is compared with many cells; read once.

        Args:
            folder: of a clean twin or a reference.
            is_twin: whether it is used as a clean twin, which decides its name.
        """
        if lost_files(folder):
            return None
        return _opened_once(folder, (folder / MANIFEST).stat().st_mtime_ns, is_twin=is_twin)

    @property
    def varies(self) -> Mapping[str, Any]:
        """What varies: values by full keys."""
        return self.protocol["varies"] if self.named is None else self.named

    @property
    def name(self) -> str:
        """A short name, such as ``shape r=0.3``, with the warnings of the cell."""
        return f"{TWIN} {self.apart}".rstrip() if self.is_twin else self.named_without()

    def named_without(self, keys: Collection[str] = (), *, notes: bool = True) -> str:
        """Return the name without some of what varies.

        Args:
            keys: the keys that are left out.
            notes: whether to add the warnings of the cell.
        """
        shown = self.protocol.get("notes", ()) if notes else ()
        return cell_name(self.varies, self.words, without=keys, notes=shown)

    @property
    def strategy(self) -> str:
        """The name without the ratio: cells of one strategy form a line over ratios."""
        return self.name if self.is_twin else self.named_without({RATIO})

    @property
    def command(self) -> str:
        """The command that runs it again."""
        return self.job_command or str(self.protocol["command"])

    @property
    def mask(self) -> str:
        """The option of its mask."""
        return str(self.varies[MASK])

    @cached_property
    def cell(self) -> Cell:
        """Its settings."""
        if self.known_cell is not None:
            return self.known_cell
        return cell_of(read_config(self.job_config or self.folder / CONFIG))

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """Those that can change its numbers, as flat keys; many groups of cells are compared."""
        return flat_settings(self.cell)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Its numbers; without those that were measured with other settings than its job's.

        Raises:
            ClipHarError: when their file is damaged.
        """
        manifest = read_manifest(self.folder)
        if manifest is None or not manifest.holds(METRICS):
            raise ClipHarError(
                f"{self.folder / METRICS} is missing or damaged: run the command again, or"
                " clip-har-report, which makes it again from the score table"
            )
        found = dict(read_json(self.folder / METRICS))
        if not self.has_its_measures:
            found = {name: found[name] for name in found if name not in self.measured.numbers}
        return found

    @cached_property
    def protocol(self) -> dict[str, Any]:
        """Its protocol card: the data, model and settings behind its numbers."""
        return dict(read_json(self.folder / PROTOCOL))

    @property
    def cost(self) -> dict[str, float]:
        """Its cost, see `Cost.metrics`; empty if that is not known."""
        path = self.folder / COST
        return dict(read_json(path)) if path.is_file() else {}

    @cached_property
    def table(self) -> "ScoreTable":
        """Its score table."""
        from clip_har.results.score_table import ScoreTable  # imports pyarrow

        return ScoreTable.read(self.folder / SCORES)

    @property
    def is_of_this_version(self) -> bool:
        """Whether this version can read it: its protocol card, its settings, its score table."""
        from clip_har.results.score_table import ScoreTable  # imports pyarrow

        try:
            has_settings = bool(self.cell)
        except ClipHarError:
            return False
        written = has_settings and "command" in self.protocol
        return written and ScoreTable.is_of_this_version(self.folder / SCORES)

    @property
    def keeps_embeddings(self) -> bool:
        """Whether its score table has the embeddings of its clips."""
        from clip_har.results.score_table import ScoreTable  # imports pyarrow

        return ScoreTable.keeps_embeddings(self.folder / SCORES)

    @property
    def attention(self) -> "dict[str, NDArray[np.float64]]":
        """Its measures of attention, ``(N,)`` each, NaN if not measured; may be empty."""
        import pandas as pd

        path = self.folder / ATTENTION
        if not path.is_file():
            return {}
        rows = pd.read_csv(path, dtype={"clip_id": str})
        by_clip = rows.set_index("clip_id").reindex(list(self.table.clip_ids))
        return {str(name): by_clip[name].to_numpy("float64") for name in by_clip}

    @property
    def variant_scores(self) -> "tuple[str, dict[str, VariantScores]]":
        """The headline variant of its learned noise, and the scores under each variant.

        Raises:
            FileNotFoundError: when it has no learned noise.
        """
        from clip_har.results.variant_scores import read_variant_scores

        return read_variant_scores(self.folder / NOISE)

    @property
    def curves(self) -> dict[str, dict[int, float]]:
        """The curves of its learned noise: numbers by step, under MLflow names; else empty."""
        curves: dict[str, dict[int, float]] = {}
        path = self.folder / LOSS_CURVE
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                for row in csv.DictReader(file):
                    step = int(row.pop("step"))
                    for name, value in row.items():
                        if value:
                            curves.setdefault(f"{CURVES}{name}", {})[step] = float(value)
        return curves

    @property
    def pictures(self) -> dict[str, Path]:
        """Its pictures that are compared cell by cell, by their keys in the tracking store."""
        places = {key: self.folder / name for name, key in PICTURED.items()}
        return {key: path for key, path in places.items() if path.is_file()}

    @property
    def twin_folder(self) -> Path | None:
        """The folder of the clean twin that it was compared with; None without a comparison."""
        name = self.protocol["clean_twin"]
        return self.folder.parent / str(name) if name else None

    @cached_property
    def clean(self) -> "Result | None":
        """Its clean twin; None if it is its own, was not compared, or the twin no longer exists.

        It is looked for once: a report over hundreds of cells asks for it thousands of times.
        """
        folder = self.twin_folder
        return None if folder is None else Result.shared(folder, is_twin=True)

    @cached_property
    def measured(self) -> Measured:
        """What its numbers were measured with."""
        return Measured.of(read_manifest(self.folder))

    @property
    def measures(self) -> MeasureSettings:
        """The settings of its measures: of its job; without a job, those that it was measured with.

        Several jobs, one after the other, may ask for different measures of one result.
        """
        of_job = self.known_cell is not None or self.job_config is not None
        return self.cell.measures if of_job else self.measured.settings

    @property
    def reference_folder(self) -> Path | None:
        """The folder of its reference cell; None without one, or if it is not known."""
        if self.known_reference is not None or self.measures.reference is None:
            return self.known_reference
        name = self.measured.references.get(self.measures.reference)
        return None if name is None else self.folder.parent / name

    @property
    def reference(self) -> "Result | None":
        """Its reference cell; None without one, or if it is not known or no longer exists."""
        folder = self.reference_folder
        return None if folder is None else Result.shared(folder)

    @property
    def has_its_measures(self) -> bool:
        """Whether its numbers were measured with its settings and its reference cell."""
        folder = self.reference_folder
        name = None if folder is None else folder.name
        return self.measured.settings == self.measures and self.measured.reference == name

    @property
    def is_up_to_date(self) -> bool:
        """Whether it is whole, and the present code computed its numbers with its settings."""
        manifest = read_manifest(self.folder)
        computed = manifest is not None and manifest.facts.get(METRICS_CODE) == metrics_code()
        return computed and self.has_its_measures and self.is_whole

    @property
    def is_whole(self) -> bool:
        """Whether no file is damaged, not even one that can be made again from the score table."""
        manifest = read_manifest(self.folder)
        return manifest is not None and not manifest.damaged()

    @property
    def can_be_recomputed(self) -> bool:
        """Whether the clean twin and the reference cell that its numbers need still exist."""
        has_twin = self.twin_folder is None or self.clean is not None
        return has_twin and (self.measures.reference is None or self.reference is not None)

    @property
    def unmendable(self) -> tuple[str, ...]:
        """The damaged files that cannot be made again, because a cell they need no longer exists.

        See `lost_cell`. The other files that are made from score tables need only its own.
        """
        if self.can_be_recomputed:
            return ()
        manifest = read_manifest(self.folder)
        damaged = () if manifest is None else manifest.damaged()
        return tuple(name for name in damaged if name in _OF_SEVERAL_CELLS)

    @property
    def lost_cell(self) -> str:
        """What its numbers need and no longer exists: ``clean twin`` or ``reference cell``."""
        return "reference cell" if self.twin_folder is None or self.clean else "clean twin"

    @property
    def is_clean(self) -> bool:
        """Whether it has neither mask nor noise."""
        kinds = [self.protocol[group]["kind"] for group in ("masking", "noise")]
        return kinds == ["NoMask", "NoNoise"]

    @property
    def leaks(self) -> bool:
        """Whether the frames that the model saw depend on the true label."""
        return bool(self.protocol["uses_true_label_at_test_time"])

    @property
    def ratio(self) -> float | None:
        """The set share of hidden pixels, in [0, 1]; None without a ratio."""
        ratio = self.protocol["masking"].get("ratio")
        return None if ratio is None or self.is_clean else float(ratio)


@lru_cache(maxsize=8)
def _opened_once(folder: Path, _written: int, *, is_twin: bool) -> Result:
    """Return a result, see `Result.shared`."""
    return Result(folder, is_twin=is_twin)
