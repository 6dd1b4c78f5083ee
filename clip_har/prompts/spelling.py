"""The words of a data set's class name."""

import re


def spaced(name: str) -> str:
    """Return a data set's class name as separate words in lower case.

    Example:
        >>> spaced("HandstandPushups"), spaced("brush_hair"), spaced("YoYo")
        ('handstand pushups', 'brush hair', 'yo yo')
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.sub(r"[_\-]+", " ", words).lower().split())
