"""Rules that choose clips by the values of their fields."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator

from clip_har.core.names import listed, plain_name, whole_number
from clip_har.data.sources.pattern.files import Candidate

_RANGE = re.compile(r"(\d{1,18})-(\d{1,18})", re.ASCII)
_MOST = 1_000_000  # numbers in a range; each is kept

Key = str | int


def _as_text(value: Any) -> Any:
    """Turn one value, or values that YAML reads as numbers, into texts."""
    values = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(one, dict | bool | None.__class__) for one in values):
        raise ValueError("expected a value or a list of values, such as [1, 2, 8-12]")
    for one in values:
        if len(_range(str(one))) > _MOST:
            raise ValueError(f"expected at most {_MOST:,} numbers in a range, got {one}")
    return tuple(str(one) for one in values)


def _range(value: str) -> range:
    """Return the numbers that a value such as ``8-12`` stands for; none for any other value."""
    found = _RANGE.fullmatch(value.strip())
    return range(int(found[1]), int(found[2]) + 1) if found else range(0)


Rule = dict[str, Annotated[tuple[str, ...], BeforeValidator(_as_text)]]
"""Values by field; a clip must have one of the values of each. ``8-12`` stands for five numbers."""

Rules = dict[str, Rule | Literal["rest"]]
"""A rule for each subset; ``rest`` is what no other rule chooses."""


def value_key(text: str) -> Key:
    """Return what a value is compared by: whole numbers by value, other text as it is.

    Example:
        >>> value_key("007"), value_key("a7")
        (7, 'a7')
    """
    number = whole_number(text)
    return plain_name(text) if number is None else number


def name_key(text: str) -> Key:
    """Return what a label is compared by: without case and brackets, and ``_`` as a space.

    Copies of data sets differ in these: ``air_drumming`` is ``air drumming``, and
    ``Closing [something]`` is ``Closing something``.

    Example:
        >>> name_key("Closing [something]"), name_key("air_drumming"), name_key("07")
        ('closing something', 'air drumming', 7)
    """
    key = value_key(text.strip())
    if isinstance(key, int):
        return key
    return " ".join(re.sub(r"[\[\]]", "", key.replace("_", " ")).casefold().split())


def key_of(field: str) -> Callable[[str], Key]:
    """Return the comparison of a field's values."""
    return name_key if field == "label" else value_key


def subsets_of(rules: Rules) -> Callable[[Candidate], str | None]:
    """Return a function that says which subset a clip is in, None for no one.

    It raises a `ClipHarError` for a clip that two rules choose, and for one that would fall to
    ``rest`` only because it lacks a value. A missing clip of which the list does not say the fields
    that are needed counts as chosen by the first rule.

    Args:
        rules: by subset.
    """
    wanted = {
        subset: [(field, key_of(field), keys_of(field, rule[field])) for field in rule]
        for subset, rule in rules.items()
        if rule != "rest"
    }
    rest = next((subset for subset, rule in rules.items() if rule == "rest"), None)
    named = sorted(fields_of(rules)) if rest else []

    def subset_of(clip: Candidate) -> str | None:
        fields = clip.fields
        found = [
            subset
            for subset, needed in wanted.items()
            if all(
                clip.path is None if field not in fields else key(fields[field]) in keys
                for field, key, keys in needed
            )
        ]
        if len(found) > 1 and clip.path is not None:
            raise clip.error(f"the rules of {found[0]} and {found[1]} both choose this clip")
        if not found and clip.path is not None:
            for field in named:
                if field not in fields:
                    raise clip.error(f"'{field}' is empty, and the rules of dataset.splits need it")
        return found[0] if found else rest

    return subset_of


def keys_of(field: str, values: Iterable[str]) -> set[Key]:
    """Return what the values of a rule are compared by."""
    keys: set[Key] = set()
    for value in values:
        keys.add(key_of(field)(value))
        keys.update(_range(value))
    return keys


def fields_of(rules: Rules) -> set[str]:
    """Return the fields that rules name."""
    return {field for rule in rules.values() if rule != "rest" for field in rule}


def labels_of(rules: Iterable[Rule | Literal["rest"]]) -> set[Key] | None:
    """Return the labels that rules can choose, None if they can choose any."""
    found: set[Key] = set()
    for rule in rules:
        if rule == "rest" or "label" not in rule:
            return None
        found |= keys_of("label", rule["label"])
    return found or None


def unseen(rules: Iterable[Rule | Literal["rest"]], clips: Iterable[Mapping[str, str]]) -> str:
    """Return in words which values of rules no clip has; empty if there are none.

    Args:
        rules: whose fields all clips have.
        clips: the fields of each clip.
    """
    wanted: dict[str, list[str]] = {}
    for rule in rules:
        if rule != "rest":
            for field, values in rule.items():
                wanted.setdefault(field, []).extend(values)
    clips = list(clips)
    told = []
    for field, named in wanted.items():
        key = key_of(field)
        seen = {key(fields[field]) for fields in clips if field in fields}
        if absent := [one for one in dict.fromkeys(named) if not keys_of(field, [one]) & seen]:
            told.append(f"{field} = {listed(absent)}")
    return "; ".join(told)
