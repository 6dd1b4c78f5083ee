"""The page of every measure, made from the glossary and the docstrings of ``clip_har.metrics``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clip_har.report.glossary import BIAS, CELL, SWEEP, Term

_HEAD = """# The measures

Every number that a cell or a sweep logs, under its name in MLflow, in `metrics.json` and in
`cells.csv`. Below each table are the functions that compute it, with their formulas and sources. A
formula that comes from no publication is marked as *ours*.

Logged values are shares (0.5 for 50 %); the report shows most of them as per cent or points.
"""


@dataclass(frozen=True)
class Family:
    """Measures that belong together.

    Attributes:
        title: of the section.
        starts: names, or what names start with where it ends in a slash.
        modules: whose docstrings define them.
        note: what to know before reading them.
    """

    title: str
    starts: Sequence[str]
    modules: Sequence[str] = ()
    note: str = ""


FAMILIES = (
    Family("Accuracy", ("top1", "top5", "balanced_accuracy", "macro_f1"), ("accuracy", "tables")),
    Family(
        "Confidence and calibration",
        (
            "confidence",
            "true_class_confidence",
            "margin",
            "entropy",
            "ece",
            "ece_adaptive",
            "brier",
            "nll",
        ),
        ("calibration",),
    ),
    Family(
        "Robustness against the clean twin",
        ("flip_rate", "top5_overlap", "kl_from_clean", "drift", "robustness/", "flip_rate/"),
        ("robustness",),
        "A cell's clean twin is the same cell without mask and noise. Pairs are by clip.",
    ),
    Family(
        "Bias to classes and between kinds of clips",
        ("bias/",),
        ("prediction_bias", "attributes"),
        "With few clips per class chance alone moves all of them: compare values over the same"
        " clips only.",
    ),
    Family(
        "Bias to the scene",
        ("scene/",),
        ("scene",),
        "Of a sweep: they need cells that differ in nothing but the mask.",
    ),
    Family("What the mask did", ("mask/",)),
    Family("Attention", ("attention/",), ("attention",), "They need a region source."),
    Family(
        "Learned noise",
        ("noise/",),
        ("effect",),
        "What **leaks the label** is an upper bound and never a result, see"
        " [protocols](noise.md#protocols).",
    ),
    Family("Seeds", ("seeds/",)),
    Family("Data", ("data/",)),
    Family("Cost", ("cost/",)),
)
_UNCERTAINTY = Family(
    "Intervals and tests",
    (),
    ("bootstrap", "significance", "pairing"),
    "Intervals are 95 % and over groups, since clips of one group are not independent. Masked cells"
    " are compared with their clean twin by an exact McNemar test under Holm's correction.",
)  # fmt: skip


def measures_page() -> str:
    """Return the page as Markdown; lines that begin with ``:::`` are filled in by mkdocstrings."""
    parts = [_HEAD]
    for family in (*FAMILIES, _UNCERTAINTY):
        parts += [f"## {family.title}", family.note, _table(_of(family))]
        parts += [f"::: clip_har.metrics.{module}" for module in family.modules]
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def all_terms() -> dict[str, Term]:
    """Return every measure that is logged, by name."""
    return {**CELL, **BIAS, **SWEEP}


def _of(family: Family) -> Mapping[str, Term]:
    folders = tuple(start for start in family.starts if start.endswith("/"))
    return {
        name: term
        for name, term in all_terms().items()
        if name in family.starts or (folders and name.startswith(folders))
    }


def _table(terms: Mapping[str, Term]) -> str:
    if not terms:
        return ""
    rows = ["| logged as | in the report | meaning |", "|---|---|---|"]
    rows += [f"| `{name}` | {term.name} | {_as_cell(term)} |" for name, term in terms.items()]
    return "\n".join(rows)


def _as_cell(term: Term) -> str:
    return term.meaning.replace("|", "\\|").replace("_", "\\_")
