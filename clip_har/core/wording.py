"""Numbers in sentences."""


def plural(number: int, noun: str) -> str:
    """Return a number with its noun.

    Example:
        >>> plural(1, "cell"), plural(1200, "cell"), plural(2, "class")
        ('1 cell', '1,200 cells', '2 classes')
    """
    ending = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{ending}"
