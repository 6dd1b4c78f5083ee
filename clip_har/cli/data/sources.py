"""The official sources of the data sets, and the official numbers of their clips."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clip_har.data.sources import hmdb51, ucf101

Name = Literal["ucf101", "hmdb51"]


@dataclass(frozen=True)
class Download:
    """An official file.

    Attributes:
        url: official address.
        size: bytes; None if it is not published.
        sha256: None if it is not published.
    """

    url: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Source:
    """An academic data set.

    Attributes:
        title: its name.
        licence: its terms of use, as a sentence.
        citation: the publication.
        archive: the clips.
        splits: the official lists.
        counts: number of clips of each list, such as ``train1``.
        classes: number of classes.
        clips: number of clips in all lists together.
    """

    title: str
    licence: str
    citation: str
    archive: Download
    splits: Download
    counts: Mapping[str, int]
    classes: int
    clips: int

    @property
    def terms(self) -> str:
        """Title, terms of use and publication, a line each."""
        return f"{self.title}\nlicence: {self.licence}\ncite: {self.citation}\n"


SOURCES: Mapping[Name, Source] = {
    "ucf101": Source(
        title="UCF-101",
        licence=ucf101.LICENCE,
        citation=ucf101.CITATION,
        # The size is the Content-Length of the official server; no checksum is published.
        archive=Download("https://www.crcv.ucf.edu/data/UCF101/UCF101.rar", 6_932_971_618),
        # Size and checksum are those that TensorFlow Datasets records.
        splits=Download(
            "https://www.crcv.ucf.edu/data/UCF101/UCF101TrainTestSplits-RecognitionTask.zip",
            113_943,
            "5c0d1a53b8ed364a2ac830a73f405e51bece7d98ce1254fd19ed4a36b224bd27",
        ),
        counts={
            "train1": 9537, "test1": 3783, "train2": 9586, "test2": 3734, "train3": 9624,
            "test3": 3696,
        },
        classes=101,
        clips=13_320,
    ),
    "hmdb51": Source(
        title="HMDB-51",
        licence=hmdb51.LICENCE,
        citation=hmdb51.CITATION,
        # Neither size nor checksum is published.
        archive=Download(
            "http://serre-lab.clps.brown.edu/wp-content/uploads/2013/10/hmdb51_org.rar"
        ),
        splits=Download(
            "http://serre-lab.clps.brown.edu/wp-content/uploads/2013/10/test_train_splits.rar"
        ),
        # 70 and 30 clips of each of 51 classes in every split.
        counts={f"{use}{k}": 51 * n for k in (1, 2, 3) for use, n in (("train", 70), ("test", 30))},
        classes=51,
        clips=6766,  # of the 6,849 that the publication counts
    ),
}  # fmt: skip
