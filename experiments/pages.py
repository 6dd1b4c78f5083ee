"""The pages of the studies, made from committed results: all numbers come from the CSV files."""

import shutil
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.figures.save import save_figure
from clip_har.figures.specification import specification_figure
from clip_har.report.selection import of_sweep
from experiments.curve import NUMBERS, curve
from experiments.curve_words import CurveWords
from experiments.effects import Conditions, conditions, effects, scene_bias
from experiments.figure import CAPTION, effects_figure
from experiments.study import (
    CURVE,
    EFFECTS,
    FOLDER,
    JOINT,
    PAGE,
    SCENE,
    Specification,
    Study,
    finished_studies,
    read_study,
)
from experiments.words import Words

FIGURE, CURVE_FIGURE, README = "effects.png", "curve.png", "README.md"
_NO_SCENE = pd.DataFrame(columns=["measure", "of", "value", "low", "high", "clips", "groups"])


def take(folder: Path, sweeps: list[Path]) -> None:
    """Write a study's results, CSV and figure, from finished sweeps.

    Args:
        folder: the folder of the study.
        sweeps: the folders of the sweeps that its commands made.

    Raises:
        ClipHarError: when the study or a sweep does not exist, or when the results of this
            repository, which are of rendered clips, would be replaced by those of other data.
    """
    study = read_study(folder)
    if folder.parent == FOLDER:
        _refuse_other_data(sweeps)
    if study.analysis is not None:
        import_module(study.analysis).take(folder, sweeps)
        return
    cells = conditions(sweeps)
    if study.specification is not None:
        _take_curve(folder, study.specification, cells)
    else:
        _take_effects(folder, study, cells)


def take_into(study: Path, into: Path, sweeps: list[Path]) -> Path:
    """Write a study's results and page into another folder, and return the page's path.

    Args:
        study: the folder of the study, which stays as it is.
        into: gets a folder with the study's name, and is made if it is not there.
        sweeps: the folders of the sweeps.

    Raises:
        ClipHarError: when the study or a sweep does not exist.
    """
    read_study(study)
    place = into / study.name
    place.mkdir(parents=True, exist_ok=True)
    for path in (*study.glob("*.yaml"), *study.glob("*.j2"), *study.glob("*.md")):
        if path.name != README:  # it has the numbers of the repository
            shutil.copy(path, place)
    take(place, sweeps)
    page = place / README
    page.write_text(study_page(place), encoding="utf-8")
    return page


def _refuse_other_data(sweeps: list[Path]) -> None:
    for sweep in sweeps:
        for cell in of_sweep(sweep).cells:
            if (data := cell.settings["dataset"]) != "Synthetic":
                raise ClipHarError(
                    f"{sweep}: its clips are those of {data}, and the results of this repository"
                    " are of rendered clips: add --into FOLDER, which gets results and page"
                )


def _take_effects(folder: Path, study: Study, cells: Conditions) -> None:
    found = effects(study, cells)
    written = {EFFECTS: found} | ({SCENE: scene_bias(cells)} if study.scene else {})
    _write(folder, written)
    save_figure(folder / FIGURE, effects_figure(found, title=folder.name.replace("_", " ")))


def _take_curve(folder: Path, given: Specification, cells: Conditions) -> None:
    found, joint = curve(given, cells)
    _write(folder, {CURVE: found, JOINT: joint})
    figure = specification_figure(
        found,
        found[list(given.factors.values())],
        title=f"{folder.name.replace('_', ' ')}: {CAPTION}",
        measure="difference of top-1, points, 95 %",
    )
    save_figure(folder / CURVE_FIGURE, figure)


def _write(folder: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        with whole_file(folder / name) as path:
            table.to_csv(path, index=False, float_format="%.5g")


def study_page(folder: Path) -> str:
    """Return a study's ``README.md``, from its template and its committed results."""
    study = read_study(folder)
    page = _environment(folder).get_template(f"{folder.name}/{PAGE}")
    text = page.render(study=study, has_scene=(folder / SCENE).is_file(),
                       answer=_rendered(folder, study.answer))  # fmt: skip
    return text.rstrip() + "\n"


def index_page(root: Path = FOLDER) -> str:
    """Return ``experiments/README.md``: the question and the answer of every study."""
    rows = []
    for folder in finished_studies(root):
        study = read_study(folder)
        rows.append(
            {
                "name": folder.name,
                "study": study,
                "answer": _rendered(folder, study.answer),
                "headline": _rendered(folder, study.headline),
                "conditions": _count(folder),
            }
        )
    return _environment(root).get_template("index.md.j2").render(rows=rows).rstrip() + "\n"


def write_pages(root: Path = FOLDER) -> list[Path]:
    """Write all pages from the committed results, and return their paths."""
    pages = {
        folder / README: study_page(folder)
        for folder in finished_studies(root)
        if (folder / PAGE).is_file()
    }
    pages[root / README] = index_page(root)
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return list(pages)


def _rendered(folder: Path, template: str) -> str:
    return " ".join(_environment(folder).from_string(template).render().split())


def _environment(folder: Path) -> Environment:
    """Return the templates' environment; templates of a study can use its results."""
    environment = Environment(  # noqa: S701, Markdown, from this repository
        loader=FileSystemLoader([folder.parent, folder, FOLDER]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    if (folder / EFFECTS).is_file():
        own = read_study(folder).analysis
        names = (
            Words(_effects(folder), _scene(folder)).names()
            if own is None
            else import_module(own).words(folder)
        )
        environment.globals.update(names)
    if (folder / CURVE).is_file():
        study = read_study(folder)
        assert study.specification is not None, "only such a study has a curve"  # noqa: S101
        words = CurveWords(
            _curve(folder), pd.read_csv(folder / JOINT), study.specification.expected
        )
        environment.globals.update(words.names())
    return environment


def _count(folder: Path) -> int:
    """Return the number of conditions, or of specifications."""
    if (folder / CURVE).is_file():
        return len(_curve(folder))
    return int(_effects(folder)["condition"].nunique())


def _curve(folder: Path) -> pd.DataFrame:
    """Return the curve with its choices as text, empty where there is none."""
    found = pd.read_csv(folder / CURVE, dtype=str, keep_default_na=False)
    return found.assign(**{name: pd.to_numeric(found[name]) for name in NUMBERS})


def _effects(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / EFFECTS)


def _scene(folder: Path) -> pd.DataFrame:
    path = folder / SCENE
    return pd.read_csv(path) if path.is_file() else _NO_SCENE
