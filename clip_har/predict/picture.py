"""A prediction as a picture, and where pictures are written."""

from collections.abc import Sequence
from pathlib import Path

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError
from clip_har.core.names import plain_name
from clip_har.figures.prediction import Curve, prediction_figure
from clip_har.figures.save import FORMS, save_figure
from clip_har.figures.style import COLOURS
from clip_har.predict.prediction import WHAT_IT_IS, Prediction

TILES = 8
"""Frames in a picture."""


def write_picture(
    path: Path, found: Prediction, *, top: int, description: str, cautions: Sequence[str]
) -> None:
    """Draw a prediction and write it.

    Args:
        path: of the picture; its end names the format.
        found: the prediction.
        top: number of classes; further ones that win a window are drawn, too.
        description: a few words about model, mask and noise.
        cautions: what must be known about all answers of the model.
    """
    listed = found.top(top)
    # Classes that win for a while, as far as there are colours.
    listed += found.also(listed)[: max(0, len(COLOURS) - len(listed))]
    number_of = {label: number for number, label in enumerate(listed)}
    figure = prediction_figure(
        [
            Curve(found.class_names[label], found.probabilities[:, label], float(found.mean[label]))
            for label in listed
        ],
        found.edges,
        [tile.picture for tile in found.tiles],
        winners=[None if winner is None else number_of.get(winner, -1) for winner in found.winners],
        title=plain_name(found.path.name),
        subtitle=description,
        notes=[WHAT_IT_IS.format(classes=len(found.class_names)), *cautions, *found.notes],
    )
    with whole_file(path) as temporary:
        save_figure(temporary, figure)


class PictureFiles:
    """Where the pictures of several videos go.

    Args:
        path: a file that ends in one of `FORMS`, for one video; else a folder.

    Raises:
        ClipHarError: when the end of the name is that of another kind of file, or the folder of
            the file does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.expanduser()
        self._used: set[str] = set()
        known = ", ".join(f".{form}" for form in FORMS)
        if self._path.suffix and not self.is_file and not self._path.is_dir():
            raise ClipHarError(
                f"--picture {path}: expected a name that ends in {known}, or a folder for a picture"
                " of each video"
            )
        if self.is_file and not self._path.absolute().parent.is_dir():
            raise ClipHarError(f"--picture {path}: there is no folder {self._path.parent}")

    @property
    def is_file(self) -> bool:
        """Whether there is one file, for one video."""
        return self._path.suffix.lower().removeprefix(".") in FORMS and not self._path.is_dir()

    def of(self, video: Path) -> Path:
        """Return the file of a video's picture; no two videos get the same.

        Args:
            video: the video.
        """
        if self.is_file:
            return self._path
        stem = plain_name(video.stem)
        name, number = stem, 1
        while name in self._used:
            number += 1
            name = f"{stem}-{number}"
        self._used.add(name)
        return self._path / f"{name}.png"
