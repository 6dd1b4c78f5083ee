"""What reports and tables of a sweep decide with."""

from typing import Annotated

from pydantic import Field

from clip_har.core.settings import Settings


class ReportSettings(Settings):
    """How the words of a report are chosen, and how much it shows and writes.

    Attributes:
        margin: the largest change of top-1 that counts as none, as a share: "no change" is said of
            a cell whose true change is smaller by two one-sided tests at 5 %.
        clips: largest number of answers whose frames are shown on the page of clips; 0: none, for
            clips that must not leave the machine.
        print: whether all figures are also written as PDF for a paper. They take half of the time
            of a sweep's end, and ``clip-har-report --print`` writes them at any time later.
    """

    margin: Annotated[float, Field(gt=0, lt=1)] = 0.01
    clips: Annotated[int, Field(ge=0)] = 400
    print: bool = False
