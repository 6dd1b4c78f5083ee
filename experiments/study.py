"""The question of a study, and the sweeps that answer it: ``study.yaml`` in its folder."""

from collections.abc import Mapping
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings
from clip_har.metrics.specification import Expected

FOLDER = Path(__file__).parent
SETTINGS, EFFECTS, SCENE, PAGE = "study.yaml", "effects.csv", "scene.csv", "page.md.j2"
CURVE, JOINT = "curve.csv", "joint.csv"


class Rule(Settings):
    """Which condition is the control of others.

    Attributes:
        of: the values by key that a condition must have, as names show them; "*" is any value.
        change: the keys that differ in its control; null for a key that the control lacks.
    """

    of: dict[str, str]
    change: dict[str, str | None]

    def control_of(self, varies: Mapping[str, str]) -> dict[str, str] | None:
        """Return what varies of a condition's control.

        None if the rule does not apply, or if the condition itself is the control.

        Example:
            >>> rule = Rule(of={"masking": "feature"}, change={"masking": "away"})
            >>> rule.control_of({"masking": "feature", "ratio": "0.1"})
            {'masking': 'away', 'ratio': '0.1'}
        """
        if any(value not in ("*", varies.get(key)) for key, value in self.of.items()):
            return None
        if not self.of.keys() <= varies.keys():
            return None
        merged = {**varies, **self.change}
        wanted = {key: value for key, value in merged.items() if value is not None}
        return None if wanted == varies else wanted


class Specification(Settings):
    """A conclusion that is drawn under all choices, see `clip_har.metrics.specification`.

    Attributes:
        pairs: which conditions are compared with which; all rules that apply count.
        expected: the sign of the difference that was expected before the numbers were seen.
        factors: by full key, the names of the choices.
    """

    pairs: list[Rule]
    expected: Expected
    factors: dict[str, str]


class Study(Settings):
    """A question, the sweeps that answer it, and the comparisons.

    Attributes:
        question: one sentence.
        commands: the commands that make the results again, on the built-in data.
        real: the same for real video.
        controls: which conditions others are compared with, beside their clean twin.
        references: the same for conditions whose *change from their clean twin* is compared with
            the control's: the difference of two differences.
        scene: whether its cells measure bias to the scene.
        specification: the pairs and choices of a specification curve; it replaces the effects of
            single conditions.
        analysis: a module of its own in place of the effects of conditions, with
            ``take(folder, sweeps)``, which writes its results, ``effects.csv`` among them, and
            ``words(folder)``, the functions of its templates by name.
        headline: template of a number with its interval, see `experiments.words`.
        answer: template of one sentence.
    """

    question: str
    commands: list[str]
    real: list[str]
    controls: list[Rule] = Field(default_factory=list)
    references: list[Rule] = Field(default_factory=list)
    scene: bool = False
    specification: Specification | None = None
    analysis: str | None = None
    headline: str
    answer: str


def read_study(folder: Path) -> Study:
    """Read a study's settings.

    Args:
        folder: the folder of the study.

    Raises:
        ClipHarError: when there is no such study, or its file is wrong.
    """
    path = folder / SETTINGS
    if not path.is_file():
        known = ", ".join(one.name for one in study_folders())
        raise ClipHarError(f"there is no study {folder.name}; there are: {known}")
    try:
        return Study(**yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, TypeError, yaml.YAMLError) as error:
        raise ClipHarError(f"{path}: {' '.join(str(error).split())}") from error


def study_folders(root: Path = FOLDER) -> list[Path]:
    """Return the folders of all studies, in order of name."""
    return sorted(path.parent for path in root.glob(f"*/{SETTINGS}"))


def finished_studies(root: Path = FOLDER) -> list[Path]:
    """Return the folders of the studies that have results; the others have no page yet."""
    return [
        folder
        for folder in study_folders(root)
        if (folder / EFFECTS).is_file() or (folder / CURVE).is_file()
    ]
