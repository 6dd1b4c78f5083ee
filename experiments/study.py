"""What a study asks and which sweeps answer it: ``study.yaml`` in the study's folder."""

from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings

FOLDER = Path(__file__).parent
SETTINGS, EFFECTS, SCENE, PAGE = "study.yaml", "effects.csv", "scene.csv", "page.md.j2"


class Study(Settings):
    r"""A question, the sweeps that answer it, and what is held against what.

    Attributes:
        question: one sentence.
        commands: what is typed to make the results again, on the built-in data.
        real: the same on real video.
        controls: cells that others are compared with beside their clean twin: a regular expression
            that finds a condition's whole name, and the name of its control (``\1`` is the first
            group).
        references: the same for conditions whose *change from their clean twin* is compared with
            the control's: the difference of two differences.
        scene: whether its cells show the clips in the ways that measure bias to the scene.
        headline: template of a number with its interval, see `experiments.words`.
        answer: template of one sentence.
    """

    question: str
    commands: list[str]
    real: list[str]
    controls: dict[str, str] = Field(default_factory=dict)
    references: dict[str, str] = Field(default_factory=dict)
    scene: bool = False
    headline: str
    answer: str


def read_study(folder: Path) -> Study:
    """Read what a study asks.

    Args:
        folder: the study's.

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
