"""The names of the variants of learned noise, and the pairs that are compared."""

from collections.abc import Iterable

NONE, LEARNED = "none", "learned"
RANDOM, SHUFFLED, UNIVERSAL, CALIBRATION = "random", "shuffled", "universal", "calibration"


def slug(variant: str) -> str:
    """Return a variant's name for files and metrics.

    Example:
        >>> slug("oracle (leaks the label)")
        'oracle_leaks_the_label'
    """
    return variant.replace("(", "").replace(")", "").replace(" ", "_")


def pairs(variants: Iterable[str], headline: str) -> list[tuple[str, str]]:
    """Return the pairs that are compared: all with no noise, the headline with each control.

    Args:
        variants: their names.
        headline: one of them.
    """
    names = list(variants)
    controls = (UNIVERSAL, CALIBRATION, RANDOM, SHUFFLED)
    return [(name, NONE) for name in names if name != NONE] + [
        (headline, name) for name in names if name.startswith(controls)
    ]
