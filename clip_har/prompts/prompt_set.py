"""Turn class names into the prompts of a zero-shot classifier."""

import json
import logging
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from clip_har.core.checksum import checksum
from clip_har.core.errors import ClipHarError
from clip_har.core.names import whole_number
from clip_har.core.settings import Settings
from clip_har.prompts.descriptions import class_descriptions
from clip_har.prompts.label_map import given_names, name_text, read_lines
from clip_har.prompts.spelling import spaced

log = logging.getLogger(__name__)


def _as_names(value: Any) -> Any:
    """Turn numbers into text, because YAML reads some names as numbers; refuse what is no name."""
    if isinstance(value, dict):
        return {name_text(k): name_text(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [name_text(name) for name in value]
    if value is None or isinstance(value, str | Path):
        return value
    raise ValueError("expected a mapping such as {0: walk}, a list of names, or a file of names")


class PromptSet(Settings):
    """The texts of each class: templates with ``{}`` in place of its name, or texts of its own.

    Attributes:
        templates: the templates; empty if ``file`` has them, or with ``descriptions``.
        file: a text file with one template per line.
        descriptions: a file with the texts of each class, one or several, whose embeddings are
            averaged: JSON ``{"walk": ["a person walks", …]}``, or CSV or TSV of two columns, class
            and text. They are used as they are, without templates.
        class_names: other names than those of the data set, often because its labels are
            numbers: a mapping ``{0: walk, 1: run}``, a file of one (JSON; CSV or TSV of two
            columns, where names may come first or last; text of lines such as ``1 walk``), or a
            list, a JSON list or a text file with one name per class in class order.
        spelling: of the data set's names: ``spaced`` (separate words in lower case) or
            ``as_written``.
    """

    templates: list[str] = Field(default_factory=list)
    file: Path | None = None
    descriptions: Path | None = None
    class_names: Annotated[dict[str, str] | list[str] | Path | None, BeforeValidator(_as_names)] = (
        None
    )
    spelling: Literal["spaced", "as_written"] = "spaced"

    @model_validator(mode="after")
    def _check(self) -> Self:
        given = [bool(self.templates), self.file is not None, self.descriptions is not None]
        if sum(given) != 1:
            raise ValueError(
                "give either templates, or a file of templates, or a file of descriptions"
            )
        if self.descriptions is not None and self.class_names is not None:
            raise ValueError("descriptions use no class names; leave prompts.class_names=null")
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
        lines = read_lines(self.file, "prompts.file")
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
            C lists of P texts each; with descriptions P may differ between classes.

        Raises:
            ClipHarError: when a file is missing or malformed, or a class has no name or text in it.
        """
        if self.descriptions is not None:
            return class_descriptions(self.descriptions, class_names)
        templates, words = self.load_templates(), self.words(class_names)
        _warn_of_numbers(tuple(words))
        # replace, not format: a class name or a template may hold other braces.
        return [[template.replace("{}", word) for template in templates] for word in words]

    def digest(self, class_names: Sequence[str]) -> str:
        """Return a digest of the prompts of all classes, 32 hexadecimal digits; see `texts`."""
        return checksum(json.dumps(self.texts(class_names)).encode())

    def words(self, class_names: Sequence[str]) -> list[str]:
        """Return the words that stand for each class in its prompts.

        Args:
            class_names: the data set's own class names, in class order.

        Raises:
            ClipHarError: when a file is missing or malformed, or a class has no name in it.
        """
        if self.class_names is not None:
            return given_names(self.class_names, class_names)
        return [spaced(name) if self.spelling == "spaced" else name for name in class_names]


def _check_template(template: str) -> None:
    if template.count("{}") != 1:
        raise ValueError(
            f"expected exactly one {{}} for the class name in each template, got {template!r}"
        )


@cache  # once per process, not for every cell of a sweep
def _warn_of_numbers(class_names: tuple[str, ...]) -> None:
    if class_names and all(whole_number(name) is not None for name in class_names):
        log.warning(
            "the class names are only numbers (%s, …), which say nothing to a text encoder: set"
            " prompts.class_names=<file of names>, or give the table of clips a column class_name",
            ", ".join(class_names[:3]),
        )
