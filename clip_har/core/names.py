"""Names that people and files gave: one spelling, printable everywhere, in a natural order."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_ESCAPED = {"Cc", "Cs", "Zl", "Zp"}  # control characters, broken bytes, ends of lines
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # text direction
# More digits are a name: no one counts so far, and Python reads at most 4,300.
_WHOLE = re.compile(r"([+-]?\d{1,300})(?:\.0{1,300})?", re.ASCII)

_NAMED = 5  # classes in a message


def plain_name(text: str) -> str:
    r"""Return a name as it is stored, compared and shown.

    Letters with accents get their composed form (NFC): file systems and lists differ in it. What
    would break a line, a terminal or a file in UTF-8 is escaped: control characters, marks that
    turn the direction of the text around, and bytes of a file name that are not UTF-8.

    Example:
        >>> plain_name("cafe\u0301"), plain_name("a\nb"), plain_name("caf\udce9")
        ('café', 'a\\x0ab', 'caf\\xe9')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(letter) for letter in unicodedata.normalize("NFC", text))


def whole_number(name: str) -> int | None:
    """Return the value of a name that is a whole number, None for any other name.

    Example:
        >>> whole_number("07"), whole_number("7.0"), whole_number("-1"), whole_number("7a")
        (7, 7, -1, None)
    """
    match = _WHOLE.fullmatch(name)
    return int(match[1]) if match else None


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Return class names in the order of their labels: numbers by value, other names as text.

    Example:
        >>> class_order({"10", "9", "1"}), class_order({"walk", "10", "9"})
        (('1', '9', '10'), ('10', '9', 'walk'))
    """
    ordered = sorted(names)
    values = {name: value for name in ordered if (value := whole_number(name)) is not None}
    return tuple(
        sorted(ordered, key=values.__getitem__) if len(values) == len(ordered) else ordered
    )


def _escaped(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is not UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if letter in _TURNS or unicodedata.category(letter) in _ESCAPED:
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
    return letter


def listed(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
