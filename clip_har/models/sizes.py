"""How large models are, without their weights: for lists of models."""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

TABLE = "sizes.csv"
"""Of named checkpoints and of open_clip's architectures: to build all of them takes a minute."""


@dataclass(frozen=True)
class Size:
    """What a list says of a network.

    Attributes:
        image_size: side of the input, pixels; None if only its files say it.
        parameters: of both towers; None if only its files say it.
        class_token: whether a class token of its image tower attends to patches; None if it is not
            in the table.
    """

    image_size: int | None
    parameters: int | None
    class_token: bool | None = None


@cache
def known_sizes() -> dict[str, Size]:
    """Return what the table says, by checkpoint on the hub or by architecture of open_clip."""
    text = (files("clip_har.models") / TABLE).read_text(encoding="utf-8")
    return {
        row["name"]: Size(
            _number(row["image_size"]),
            _number(row["parameters"]),
            {"yes": True, "no": False}.get(row["class_token"]),
        )
        for row in csv.DictReader(text.splitlines())
    }


def _number(text: str) -> int | None:
    return int(text) if text else None
