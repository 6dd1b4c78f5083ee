"""Properties of clips besides class and group, such as the viewpoint."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from clip_har.data.sources.tables import Row

# They become names of metrics, and MLflow takes these characters.
AttributeNames = tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-][A-Za-z0-9_. -]*$")], ...]
"""Columns of a user's table."""


def attributes_of(row: Row, names: Sequence[str]) -> dict[str, str]:
    """Return a row's attributes; empty ones are not known and are left out."""
    found = {name: row.optional_text(name) for name in names}
    return {name: value for name, value in found.items() if value is not None}
