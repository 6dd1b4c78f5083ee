"""Turn class names into the prompts of a zero-shot classifier."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings


def spaced(name: str) -> str:
    """Return a data set's class name as separate words in lower case.

    Example:
        >>> spaced("HandstandPushups"), spaced("brush_hair"), spaced("YoYo")
        ('handstand pushups', 'brush hair', 'yo yo')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.sub(r"[_\-]+", " ", words).lower().split())


class PromptSet(Settings):
    """Templates, each with ``{}`` in place of the class name.

    Attributes:
        templates: the templates; empty if ``file`` has them.
        file: a text file with one template per line.
        class_names: a text file with one name per line, in class order, instead of the names of the
            data set.
        spelling: of the data set's names: ``spaced`` (separate words in lower case) or
            ``as_written``.
    """

    templates: list[str] = Field(default_factory=list)
    file: Path | None = None
    class_names: Path | None = None
    spelling: Literal["spaced", "as_written"] = "spaced"

    @model_validator(mode="after")
    def _check(self) -> Self:
        if bool(self.templates) == (self.file is not None):
            raise ValueError("give either templates or a file of templates")
        for template in self.templates:
            _check_template(template)
        return self

    def load_templates(self) -> list[str]:
        """Return the templates; read them from ``file`` if it is set.

        Raises:
            ClipHarError: when the file is missing, empty, or a line has no ``{}``.
        """
        if self.file is None:
            return list(self.templates)
        lines = _read_lines(self.file, "prompts.file")
        try:
            for line in lines:
                _check_template(line)
        except ValueError as error:
            raise ClipHarError(f"prompts.file={self.file}: {error}") from error
        return lines

    def texts(self, class_names: Sequence[str]) -> list[list[str]]:
        """Return the prompts of each class.

        Args:
            class_names: the data set's own class names, in class order.

        Returns:
            C lists of P texts each.

        Raises:
            ClipHarError: when a file is missing, or does not have C names.
        """
        words = list(class_names)
        if self.spelling == "spaced":
            words = [spaced(name) for name in class_names]
        if self.class_names is not None:
            words = _read_lines(self.class_names, "prompts.class_names")
            if len(words) != len(class_names):
                raise ClipHarError(
                    f"prompts.class_names={self.class_names}: expected {len(class_names)} names, "
                    f"one a line in class order, got {len(words)}"
                )
        templates = self.load_templates()
        # replace, not format: a class name or a template may hold other braces.
        return [[template.replace("{}", word) for template in templates] for word in words]


def _check_template(template: str) -> None:
    if template.count("{}") != 1:
        raise ValueError(
            f"expected exactly one {{}} for the class name in each template, got {template!r}"
        )


def _read_lines(path: Path, key: str) -> list[str]:
    try:
        text = path.expanduser().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise ClipHarError(f"{key}={path}: cannot be read ({reason})") from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise ClipHarError(f"{key}={path}: expected one entry a line, got an empty file")
    return lines
