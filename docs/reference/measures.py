"""The page of every measure, made from the table and the docstrings of ``clip_har.metrics``."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from clip_har.metrics.measure import Measure
from clip_har.metrics.measures import FAMILIES

_HEAD = """# The measures

Every number that a cell or a sweep logs, under its name in MLflow, in `metrics.json` and in
`cells.csv`. Below each table are the functions that compute it, with their formulas and sources. A
formula that comes from no publication is marked as *ours*.

Logged values are shares (0.5 for 50 %). The report shows most of them as per cent or points; the
ranges below are those of the shown values. The table itself is `MEASURES` in
`clip_har/metrics/measures.py`.
"""


class Section(NamedTuple):
    """The text below a table of measures.

    Attributes:
        modules: modules whose docstrings define the measures.
        note: what a reader must know about them.
    """

    modules: Sequence[str] = ()
    note: str = ""


SECTIONS = {
    "Accuracy": Section(("accuracy", "tables", "ranks")),
    "Half of the classes": Section(
        ("half_classes",),
        "Computed for every cell but those with `model.pooling=mean_probability`, see [Protocols of"
        " papers](protocols.md).",
    ),
    "Mean over official splits": Section(
        ("splits",), "Measures of a sweep over `dataset.split`, see [Protocols](protocols.md)."
    ),
    "Linear probes": Section(
        ("probe",),
        "They need `measures.probe` and `measures.reference`, see [Protocols](protocols.md).",
    ),
    "Confidence and calibration": Section(
        ("calibration", "chance", "decomposition", "temperature")
    ),
    "Selective prediction and conformal sets": Section(("selective", "conformal")),
    "Robustness against the clean twin": Section(
        ("robustness", "pooled"),
        "The clean twin of a cell is the same cell without mask and noise. Pairs are by clip.",
    ),
    "Bias to classes and between kinds of clips": Section(
        ("prediction_bias", "attributes"),
        "With few clips per class, chance alone changes these numbers: compare only values over the"
        " same clips, and read them beside those by chance.",
    ),
    "Bias to the scene": Section(
        ("scene",), "Measures of a sweep: they need cells that differ only in the mask."
    ),
    "Detection of named classes": Section(
        ("detection", "detection_intervals"),
        "They need `measures.target`, and thresholds need `measures.reference`, see"
        " [Detect an event](detection.md).",
    ),
    "What the mask did": Section(("inputs",)),
    "How much is hidden, or what": Section(
        ("regression",),
        "Measures of a sweep with a region source and masks that hide the same share at different"
        " places.",
    ),
    "Attention": Section(("attention",), "They need a region source."),
    "Learned noise": Section(
        ("effect", "crossed", "noise_effect"),
        "What **leaks the label** is an upper bound and never a result, see"
        " [protocols](noise.md#protocols).",
    ),
    "Models of a sweep": Section(
        ("models",),
        "Logged on the run of a sweep with several models on the same clips, see"
        " [several models](report.md#several-models). With several data sets the name of the data"
        " follows that of the model.",
    ),
    "Domains of a sweep": Section(
        ("domains",),
        "Logged on the run of a sweep over several data sets with the same classes, see"
        " [Domains](domains.md). With several models the name of the model follows.",
    ),
}
_UNCERTAINTY = Section(
    ("bootstrap", "intervals", "significance", "pairing", "specification"),
    "Intervals are 95 % and over groups, since clips of one group are not independent. Masked cells"
    " are compared with their clean twin by a sign-flip test over groups under Holm's correction,"
    " and called unchanged only within a margin.",
)


def measures_page() -> str:
    """Return the page as Markdown; lines that begin with ``:::`` are filled in by mkdocstrings."""
    parts = [_HEAD]
    for title, measures in FAMILIES.items():
        parts += _section(title, SECTIONS.get(title, Section()), _table(measures))
    parts += _section("Intervals and tests", _UNCERTAINTY, "")
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def _section(title: str, section: Section, table: str) -> list[str]:
    functions = [f"::: clip_har.metrics.{module}" for module in section.modules]
    return [f"## {title}", section.note, table, *functions]


def _table(measures: Sequence[Measure]) -> str:
    rows = ["| logged as | in the report | meaning | range |", "|---|---|---|---|"]
    for one in measures:
        cells = (f"`{one.name}`", one.label, _escaped(one.meaning), one.scale)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _escaped(text: str) -> str:
    """Return the text with a backslash before each ``|`` and ``_`` that is not in code."""
    return re.sub(r"(`[^`]*`)|([|_])", lambda found: found[1] or f"\\{found[2]}", text)
