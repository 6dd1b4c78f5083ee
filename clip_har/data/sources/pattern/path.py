"""Patterns of paths: what stands where in the name of a clip."""

import re
from dataclasses import dataclass
from functools import cached_property
from string import Formatter

_FORMS = "expected {name}, {name:d}, {name:3d}, {name:11} or {name:**}"
_WIDTH = re.compile(r"(?P<width>[1-9]\d*)?(?P<kind>d)?", re.ASCII)
_WILD = re.compile(r"(\*\*/|\*)")
_WHOLE = "_clip"  # no field's name begins with an underscore


@dataclass(frozen=True)
class PathPattern:
    """A path with fields, such as ``**/{label}/{person:2d}_{}``.

    ``{name}`` matches text without ``/``; ``{name:d}`` digits; ``{name:3d}`` three digits;
    ``{name:11}`` eleven characters; ``{name:**}`` text with ``/``. What ``{}`` and ``*`` match is
    not used. A field is as short as the rest of the pattern allows, the first one first. ``**/``
    stands for any folders, or none. A field that stands there twice has one
    value. Braces of a name are doubled: ``{{``. Upper and lower case differ.

    Attributes:
        text: the pattern.

    Raises:
        ValueError: when it is malformed.

    Example:
        >>> pattern = PathPattern("**/S{setup:3d}P{person:d}_rgb")
        >>> pattern.fields
        ('setup', 'person')
        >>> pattern.match("rgb/S001P07_rgb")
        ('S001P07_rgb', {'setup': '001', 'person': '07'})
    """

    text: str

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("expected a path with fields, such as {label}/{}, got none")
        _ = self._regex

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the fields, in their order."""
        return tuple(name for name in self._regex.groupindex if name != _WHOLE)

    def match(self, path: str) -> tuple[str, dict[str, str]] | None:
        """Return the clip's name and the fields of a path, None if it does not match.

        Args:
            path: relative to the root, with ``/``.

        Returns:
            The name is the path without the folders that a leading ``**/`` stands for: it is the
            same wherever the folder of the clips lies.
        """
        found = self._regex.fullmatch(path)
        if found is None:
            return None
        fields = found.groupdict()
        return fields.pop(_WHOLE), fields

    def otherwise(self, path: str) -> dict[str, str] | None:
        """Return the fields of a matching path read from its end; None if they are the same.

        ``{label}_{view}`` reads ``brush_hair_front`` as brush and hair_front, or as brush_hair and
        front.
        """
        found, other = self._regex.fullmatch(path), self._greedy.fullmatch(path)
        if found is None or other is None:
            return None
        fields = other.groupdict()
        differ = any(found[name] != fields[name] for name in self.fields)
        return {name: fields[name] for name in self.fields} if differ else None

    @cached_property
    def _greedy(self) -> re.Pattern[str]:
        return re.compile(self._regex.pattern.replace("+?", "+"), re.DOTALL)

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        body = self.text.removeprefix("**/")
        lead = "(?:.*/)?" if body != self.text else ""
        try:
            pieces = list(Formatter().parse(body))
        except ValueError as error:
            raise ValueError(f"{_FORMS}, got '{self.text}' ({str(error).lower()})") from error
        seen: set[str] = set()
        parts = []
        for literal, name, form, conversion in pieces:
            parts.append(_literal(literal))
            if name is not None:
                if conversion:
                    raise ValueError(f"{_FORMS}, got '{{{name}!{conversion}}}'")
                parts.append(_field(name, form or "", seen))
        return re.compile(f"{lead}(?P<{_WHOLE}>{''.join(parts)})", re.DOTALL)


def _literal(text: str) -> str:
    wild = {"**/": "(?:.*/)?", "*": "[^/]*"}
    return "".join(wild.get(part) or re.escape(part) for part in _WILD.split(text))


def _field(name: str, form: str, seen: set[str]) -> str:
    found = _WIDTH.fullmatch(form)
    if found is None and form != "**":
        raise ValueError(f"{_FORMS}, got '{{{name}:{form}}}'")
    if found is None:
        shape = ".+?"
    else:
        kind = r"[0-9]" if found["kind"] else "[^/]"
        many = "+" if found["kind"] else "+?"
        shape = kind + (f"{{{found['width']}}}" if found["width"] else many)
    if name in {"", "_"}:
        return shape
    if not name.isidentifier() or name.startswith("_"):
        raise ValueError(f"expected names of letters, digits and _, got '{{{name}}}'")
    if name in seen:
        return f"(?P={name})"
    seen.add(name)
    return f"(?P<{name}>{shape})"
