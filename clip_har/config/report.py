"""What reports and tables of a sweep decide with."""

from typing import Annotated

from pydantic import Field

from clip_har.core.settings import Settings


class ReportSettings(Settings):
    """How the words of a report are chosen.

    Attributes:
        margin: the largest change of top-1 that counts as none, as a share: "no change" is said of
            a cell whose true change is smaller by two one-sided tests at 5 %.
    """

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.01
