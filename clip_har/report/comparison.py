"""The part of a report about one comparison: cells of one data set, model and protocol."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from clip_har.core.names import listed
from clip_har.core.wording import plural
from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import find
from clip_har.report.answer import Answer, answers
from clip_har.report.cells_table import CellsTable, cells_table
from clip_har.report.charts import Chart, gallery, over_ratio_charts, reliability_charts
from clip_har.report.classes import ClassTable, class_table
from clip_har.report.confidence import AskedIntervals, Confidence, confidence_of
from clip_har.report.detection import Detection, detection_of
from clip_har.report.frame_order import order_note
from clip_har.report.noise_tables import NoiseTable, noise_tables
from clip_har.report.protocols import ProbeTable, half_class_rows, probe_rows
from clip_har.report.regression import regression_rows, regression_text
from clip_har.report.sections import (
    Detail,
    Kinds,
    Records,
    bias_rows,
    costs_rows,
    detail_of,
    hidden_rows,
    hidden_terms,
    kinds_rows,
    measures_rows,
    protocol_rows,
)
from clip_har.report.selection import Chosen
from clip_har.report.text import inference
from clip_har.results.files import ALSO_LEARNED_FROM
from clip_har.results.result import Result
from clip_har.sweeps.cells import clean_twins
from clip_har.sweeps.comparisons import Comparison
from clip_har.sweeps.measures import SweepMeasures
from clip_har.sweeps.table import cell_rows

_LOOKED_AT = 4  # largest number of cells that are shown in detail


@dataclass(frozen=True)
class ComparisonPart:
    """What a page shows of one comparison.

    Attributes:
        comparison: its cells, and what sets it apart from others.
        name: model, data, and what else sets it apart.
        number: its place on the page, from 0.
        id: added to the anchors of its sections; empty for the first one.
        counted: the number of its cells.
        answers: the first screen, the most important first.
        cells: the table of its cells, the clean ones first.
        order_note: what equal scores in every order of the frames mean; may be empty.
        table: its rows of `clip_har.sweeps.table.cell_rows`.
        twins: the rows of the clean twins that are not among its cells.
        measured: the measures over several of its cells.
        measure_terms: what these measures mean.
        over_ratio: charts over the hidden share.
        reliability: a reliability diagram of each of ``details``.
        confidence: selective prediction, parts of the scores, conformal sets.
        looked_at: a few cells that are shown in detail.
        details: what is shown of these.
        class_table: what each mask costs each class.
        hidden: what the mask of each masked cell hid.
        hidden_terms: the measures of ``hidden``.
        bias: the bias of each cell's predictions.
        kinds: accuracy by attribute.
        regression: the effects of the two hidden shares.
        regression_text: the same in words; empty if no subject is known.
        half_classes: top-1 over random halves of the classes.
        probes: top-1 of linear probes; None without.
        noise: the effects of learned noise, a table for each.
        detection: how well named classes are detected, by target.
        costs: the cost of each cell.
        protocol: the entries of the protocol cards.
        whole: the folder of the sweep whose gallery is shown; None for a picture per cell.
        environment: machine and versions of its first cell, as JSON.
    """

    comparison: Comparison
    name: str
    number: int
    id: str
    counted: str
    answers: list[Answer]
    cells: CellsTable
    order_note: str
    table: pd.DataFrame
    twins: pd.DataFrame
    measured: SweepMeasures
    measure_terms: list[Measure]
    over_ratio: list[Chart]
    reliability: list[Chart]
    confidence: Confidence
    looked_at: list[Result]
    details: list[Detail]
    class_table: ClassTable
    hidden: Records
    hidden_terms: list[Measure]
    bias: Records
    kinds: Sequence[Kinds]
    regression: Records
    regression_text: str
    half_classes: Records
    probes: ProbeTable | None
    noise: Sequence[NoiseTable]
    detection: Sequence[Detection]
    costs: Records
    protocol: list[tuple[str, str]]
    whole: Path | None
    environment: str

    @classmethod
    def of(
        cls,
        comparison: Comparison,
        rows: pd.DataFrame,
        measured: SweepMeasures,
        number: int,
        chosen: Chosen,
        intervals: AskedIntervals,
    ) -> "ComparisonPart":
        """Make the part of a comparison.

        Args:
            comparison: the cells.
            rows: their rows, see `clip_har.sweeps.table.cell_rows`.
            measured: the measures over several of them.
            number: the place of the comparison on the page, from 0.
            chosen: all cells of the page.
            intervals: see `clip_har.report.confidence.ask_intervals`.
        """
        cells = comparison.cells
        classes = len(cells[0].table.class_names)
        looked_at = _looked_at(cells, rows)
        own = {one.folder for one in cells}
        twins = [one for one in clean_twins(cells) if one.folder not in own]
        twin_rows = cell_rows(twins) if twins else rows.head(0)
        every = pd.concat([rows, twin_rows], ignore_index=True) if twins else rows
        return cls(
            comparison=comparison,
            name=comparison.name,
            number=number,
            id=f"-{number + 1}" if number else "",
            counted=counted(rows),
            answers=answers(
                every, measured.rows, classes=classes, cautions=cautions(cells, classes)
            ),
            cells=cells_table([*cells, *twins], every),
            order_note=order_note(cells),
            table=rows,
            twins=twin_rows,
            measured=measured,
            measure_terms=terms_of(measured.rows),
            over_ratio=over_ratio_charts(rows, chance=1 / classes),
            reliability=reliability_charts(looked_at),
            confidence=confidence_of(cells, looked_at, intervals),
            looked_at=looked_at,
            details=[detail_of(one, number) for one in looked_at],
            class_table=class_table(cells),
            hidden=hidden_rows(cells),
            hidden_terms=hidden_terms(cells),
            bias=bias_rows(cells),
            kinds=kinds_rows(looked_at, number),
            regression=regression_rows(measured.regression),
            regression_text=regression_text(measured.regression),
            half_classes=half_class_rows(cells),
            probes=probe_rows(cells),
            noise=noise_tables(measured.noise),
            detection=detection_of(cells),
            costs=costs_rows(cells),
            protocol=protocol_rows(cells),
            whole=chosen.folder if number == 0 else None,
            environment=(cells[0].folder / "environment.json").read_text(encoding="utf-8"),
        )

    @property
    def gallery(self) -> list[tuple[str, Markup]]:
        """Titles and pictures of masked clips."""
        return gallery(self.whole, self.looked_at)

    @property
    def clips(self) -> int:
        """The largest number of clips of a cell."""
        return int(self.table["clips"].max())

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.comparison.cells[0].table.class_names)

    @property
    def rows(self) -> Records:
        """The rows of its cells."""
        return self.table.to_dict("records")

    @property
    def figures(self) -> list[Chart]:
        """The figures that are written for print, too."""
        return [*self.over_ratio, *self.reliability, self.confidence.curve]

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The anchors and titles of its longer sections."""
        found = {
            ("cells", "Cells"): True,
            ("ratio", "Over the hidden share"): self.over_ratio,
            ("each-class", "Each class"): self.class_table.rows,
            ("scene", "Measures over several cells"): self.measures,
            ("halves", "Half of the classes"): self.half_classes,
            ("probes", "Linear probes"): self.probes,
            ("shares", "How much, or what?"): self.regression,
            ("noise", "Learned noise"): self.noise,
            ("detection", "Detection"): self.detection,
            ("bias", "Bias"): True,
            ("attributes", "Attributes"): self.kinds,
            ("calibration", "Confidence"): True,
            ("classes", "Confusions"): True,
            ("gallery", "What the model saw"): True,
            ("protocol", "Protocol"): True,
        }
        return [section for section, shown in found.items() if shown]

    @property
    def measures(self) -> list[dict[str, Any]]:
        """The measures over several cells, in plain words."""
        return list(map(dict, measures_rows(self.measured.rows)))

    @property
    def inference(self) -> str:
        """What the intervals and tests hold for."""
        return inference(self.table)

    @property
    def several(self) -> bool:
        """Whether there are several of one measure."""
        return bool(self.measured.rows["of"].astype(bool).any())

    @property
    def several_regressions(self) -> bool:
        """Whether the effects of hidden shares are of several groups of cells."""
        return bool(self.measured.regression["of"].astype(bool).any())


def counted(rows: pd.DataFrame) -> str:
    """Return the number of cells of each kind, as text.

    Args:
        rows: see `clip_har.sweeps.table.cell_rows`.
    """
    clean = int(rows["is_clean"].sum())
    kinds = {"with a mask or noise": len(rows) - clean, "clean": clean}
    counts = [f"{many} {kind}" for kind, many in kinds.items() if many]
    kind = counts[0][2:] if len(rows) == 1 else ", ".join(counts)
    return f"{plural(len(rows), 'cell')} ({kind})"


def terms_of(rows: pd.DataFrame) -> list[Measure]:
    """Return the declarations of some measures, each once."""
    return [find(str(name)) for name in dict.fromkeys(rows["measure"])]


def _looked_at(cells: Sequence[Result], rows: pd.DataFrame) -> list[Result]:
    """Return a clean cell, and the worst cell of each of the strategies that cost most accuracy."""
    clean = next((one for one in cells if one.is_clean), None) or cells[0].clean
    order = rows["top1_change"].sort_values().index
    found = {} if clean is None else {"": clean}
    for place in order:
        one = cells[place]
        if not one.is_clean and len(found) < _LOOKED_AT:
            found.setdefault(one.strategy, one)
    return list(found.values()) or [cells[0]]


def cautions(cells: Sequence[Result], classes: int) -> list[str]:
    """Return the warnings about a single class, the model, and the data."""
    sentences = []
    if classes == 1:
        sentences.append(
            "There is only one class: every prediction is right, whatever the model sees. No number"
            " here measures recognition."
        )
    found = []
    models = {str(one.protocol["model"]): one.cell.model for one in cells}
    found += sorted(_data_cautions(cells) - {""})
    found += sorted({model.caution for model in models.values()} - {""})
    unknown = dict.fromkeys(
        str(name) for one in cells for name in one.protocol.get("unfamiliar_classes", ())
    )
    if unknown:
        found.append(f"it was not trained on {len(unknown)} of the classes ({listed([*unknown])})")
    if found:
        text = " and ".join(found)
        sentences.append(
            f"{text[0].upper()}{text[1:]}: these numbers say nothing about CLIP on real video."
        )
    also = max(int(one.protocol.get(ALSO_LEARNED_FROM, 0)) for one in cells)
    if also:
        sentences.append(
            f"Noise was learned on {also} of the groups that are evaluated: numbers with it may be"
            " too good."
        )
    return sentences


def _data_cautions(cells: Sequence[Result]) -> set[str]:
    """Return the warnings about the data; an older protocol card does not hold them."""
    return {
        str(one.protocol["data_caution"])
        if "data_caution" in one.protocol
        else one.cell.dataset.caution
        for one in cells
    }
