"""The base class of all options that ``_target_`` in ``conf/`` names; the roles of their keys."""

from collections.abc import Collection
from enum import Enum
from functools import cache
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict


class Role(Enum):
    """The role of a key; it is declared with the type, as in ``Annotated[int, Role.RUN]``.

    A key without a role changes the result. The value of a role describes it in words.
    """

    RESULT = "Changes the result."
    CONTENT = "Says what is read: its content counts, not its name or place."
    RUN = "Changes how the work is done, not the result."
    MASK = "Used only by masks that take it."
    NOISE = "Used only by noise that takes it."
    USE = "Changes how learned noise is used or measured, not what is learned."


class Settings(BaseModel):
    """Checked, immutable settings of one component of a cell.

    Each option of a configuration group is one subclass. Its fields are the YAML keys. Types and
    ranges are checked when an instance is made, and unknown keys are refused. The module imports
    nothing heavy at the top (no torch, no mlflow), so that a wrong value is reported before any
    work starts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @classmethod
    def fields_for(cls, *roles: Role) -> set[str]:
        """Return the fields that have one of these roles.

        A field that a subclass declares again, without a role, keeps the role that it had.

        Example:
            >>> from typing import Annotated
            >>> class Decoding(Settings):
            ...     size: int = 224
            ...     workers: Annotated[int, Role.RUN] = 2
            >>> Decoding.fields_for(Role.RUN)
            {'workers'}
        """
        return set(_fields_for(cls, roles))

    def described(self, *, without: Collection[Role] = ()) -> dict[str, Any]:
        """Return the class's name and the fields as a JSON object, for comparing settings.

        Args:
            without: fields with one of these roles are left out.

        Example:
            >>> class Decoding(Settings):
            ...     size: int = 224
            >>> Decoding().described()
            {'kind': 'Decoding', 'size': 224}
        """
        left_out = type(self).fields_for(*without)
        return {"kind": type(self).__name__, **self.model_dump(mode="json", exclude=left_out)}


class Option(Protocol):
    """What the option of every group can do: the contract, with no logic."""

    def described(self, *, without: Collection[Role] = ()) -> dict[str, Any]:
        """Return the class's name and the fields as a JSON object, see `Settings.described`."""

    def model_dump(self, *, mode: str) -> dict[str, Any]:
        """Return the fields; as a JSON object with ``mode="json"``."""

    def __hash__(self) -> int:
        """Return the same hash for equal settings."""


def option_name(kind: str, group: str) -> str:
    """Return the name of an option from the class of its settings.

    Example:
        >>> option_name("MotionRegion", "Region"), option_name("NoRegion", "Region")
        ('motion', 'none')
    """
    name = kind.removesuffix(group).lower()
    return "none" if name == "no" else name


@cache
def _fields_for(settings: type[Settings], roles: tuple[Role, ...]) -> frozenset[str]:
    found = (name for name in settings.model_fields if set(roles) & set(_roles(settings, name)))
    return frozenset(found)


def _roles(settings: type[Settings], name: str) -> list[Role]:
    """Return the roles of a field, from the nearest class that gives it one."""
    for cls in settings.__mro__:
        if issubclass(cls, Settings) and name in cls.model_fields:
            found = [entry for entry in cls.model_fields[name].metadata if isinstance(entry, Role)]
            if found:
                return found
    return []
