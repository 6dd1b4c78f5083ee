"""Links from the report to the page of clips: the part after # chooses what is shown."""

import json
from functools import lru_cache
from urllib.parse import quote

PAGE = "clips.html"
"""The page of clips, beside the report."""

DATA = "clips.parquet"
"""The same answers for scripts."""


def clips_link(comparison: int, result: str, **chosen: str) -> str:
    """Return the link to some answers of a cell.

    Args:
        comparison: its place in the report, from 0.
        result: the name of the folder of the cell's files.
        chosen: filters: ``class``, ``predicted``, ``change`` (see
            `clip_har.report.clips.answers.Change`), ``attribute`` (see `of_attribute`).

    Example:
        >>> clips_link(0, "3c18bcf2", predicted="Front Crawl")
        'clips.html#comparison=1&cell=3c18bcf2&predicted=Front%20Crawl'
    """
    words = {"comparison": comparison + 1, "cell": result, **chosen}
    return f"{PAGE}#{'&'.join(f'{key}={_quoted(str(word))}' for key, word in words.items())}"


@lru_cache(maxsize=4096)  # a page links to each class some hundred times
def _quoted(word: str) -> str:
    return quote(word, safe="")


def of_attribute(name: str, value: str) -> str:
    """Return the filter for clips with a value of an attribute.

    Example:
        >>> of_attribute("view", "from above")
        '["view","from above"]'
    """
    return json.dumps([name, value], ensure_ascii=False, separators=(",", ":"))
