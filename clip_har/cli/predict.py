"""What a model sees in your own videos, over time: ``clip-har-predict``.

No labels are needed, and nothing is written but what you ask for. A video is cut into windows of
two seconds. Each is shown to the model as a clip, which gives a probability for each class that you
name. Mask, noise, frames, prompts and seed are set by the keys of ``clip-har``.

    clip-har-predict fall.mp4 --model clip_vit_b32 --classes "falling,walking,sitting down"
    clip-har-predict fall.mp4 --classes classes.txt --every 0.5 --picture fall.png
    clip-har-predict fall.mp4 --classes "falling,walking" masking=percent ratio=0.3 fill=mean
    clip-har-predict frames/ --fps 25 --classes "falling,walking"
    clip-har-predict clips/ --model clip_vit_b32 dataset=ucf101 dataset.root=/data/ucf101 --json
    find clips -name "*.mp4" | clip-har-predict - --classes "falling,walking" --json
    clip-har-predict --classes "falling,walking" -- -a-name-with-a-dash.mp4
"""

import argparse
import json
import logging
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from clip_har.cli.cores import share_cores
from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.cli.numbers import above_0, seconds, whole_from_1
from clip_har.cli.parser import Parser
from clip_har.core.addresses import hide_environment, hide_logins
from clip_har.core.errors import ClipHarError
from clip_har.core.imports import own_process
from clip_har.core.names import plain_name

if TYPE_CHECKING:
    from rich.console import Console

    from clip_har.predict.picture import PictureFiles
    from clip_har.predict.prediction import Prediction
    from clip_har.predict.predictor import Predictor

_SETTING = re.compile(r"[+~]*[A-Za-z_][\w./@-]*=")
_WIDTH = 80  # columns if the output is not a terminal
_STDIN = "-"


def run() -> None:
    """Run the command; after an error, end with one clear line."""
    logging.basicConfig(level=logging.WARNING, format="clip-har: %(message)s")
    # What the model does not know is said beside its answers.
    logging.getLogger("clip_har.engine.load_model").setLevel(logging.ERROR)
    take_over_errors()
    own_process()
    share_cores()
    hide_environment()
    try:
        status = main(sys.argv[1:])
        sys.stdout.flush()  # here, where a reader that is gone is no traceback
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        status = report_fault(error)
    sys.exit(status)


def main(arguments: Sequence[str]) -> int:
    """Show videos to a model, and return the exit status: 1 if one of them could not be shown.

    Args:
        arguments: of the command line.

    Raises:
        ClipHarError: when the command is wrong, or something that it needs is missing.
    """
    words, files = _at_dashes(arguments)
    given = _parser().parse_intermixed_args(words)
    names = [word for word in given.words if not _is_setting(word)] + files
    words = [hide_logins(word) for word in given.words if _is_setting(word)]
    if not names:
        raise ClipHarError(
            "no video is named: expected a video, a folder of videos or of images, or - for a list"
            " of paths on standard input; clip-har-predict --help has examples"
        )
    if names.count(_STDIN) > 1:
        raise ClipHarError("- stands there twice: standard input is one list")
    keys = {word.partition("=")[0].lstrip("+") for word in words}
    if given.model is not None:
        if "model" in keys:
            raise ClipHarError("the model is named twice: give --model or model=, not both")
        words.append(f"model={given.model}")
    pictures = _pictures(given, names)
    classes = _classes(given, keys)
    from clip_har.predict.predictor import Predictor  # it imports torch: after all of the above

    predictor = Predictor(words, classes, every=given.every, fps=given.fps)
    shown = _Shown(predictor, given, pictures)
    failed = 0
    for video in _videos(names):
        failed += not shown.show(video)
    shown.end()
    return 1 if failed else 0


def _at_dashes(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the words before ``--``, and those after it: all of them are videos or folders.

    A parser of options and words in any order takes no ``--``.
    """
    words = list(arguments)
    place = words.index("--") if "--" in words else len(words)
    return words[:place], words[place + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="clip-har-predict",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="One video after the other; if one cannot be read, a line says so, the others go on,"
        " and the exit status is 1.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "words",
        nargs="*",
        metavar="VIDEO|FOLDER|-|KEY=VALUE",
        help="videos; folders of videos; images, folders and zips of images; - for a list of paths"
        " on standard input; and settings of clip-har",
    )
    parser.add_argument("--model", metavar="NAME", help="the same as model=NAME (default: tiny)")
    parser.add_argument(
        "--classes",
        metavar="NAMES|FILE",
        help="names with commas between them, or a file with one name on each line (or a JSON"
        " list); without it, those of dataset=…",
    )
    parser.add_argument(
        "--every",
        metavar="SECONDS",
        type=seconds,
        default=2.0,
        help="length of a window; inf: one window, as clip-har shows a clip (default: 2)",
    )
    parser.add_argument(
        "--fps",
        metavar="N",
        type=above_0,
        help="frames per second of a folder or zip of images; without it they are one window",
    )
    parser.add_argument(
        "--top",
        metavar="N",
        type=whole_from_1,
        default=5,
        help="classes that are shown (default: 5)",
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object per video, with all probabilities"
    )
    parser.add_argument(
        "--picture",
        metavar="FILE|FOLDER",
        type=Path,
        help="also draw it: a file that ends in .png, .svg or .pdf, or a folder for a PNG of each"
        " video",
    )
    return parser


def _is_setting(word: str) -> bool:
    return bool(_SETTING.match(word)) and not Path(word).exists()


def _classes(given: argparse.Namespace, keys: set[str]) -> tuple[str, ...]:
    from clip_har.prompts.class_list import classes_in_file, classes_in_line

    if given.classes is None:
        if "dataset" not in keys:
            raise ClipHarError(
                'no class is named: expected --classes "falling,walking,…", a file of names, or'
                " dataset=<a data set> for its own list"
            )
        return ()
    if any(key == "dataset" or key.startswith("dataset.") for key in keys):
        raise ClipHarError("the classes are named twice: give --classes or dataset=, not both")
    path = Path(given.classes)
    if path.expanduser().is_file():
        return classes_in_file(path, "--classes")
    if "," not in given.classes and path.suffix:
        raise ClipHarError(f"--classes {given.classes}: there is no such file")
    found = classes_in_line(given.classes, "--classes")
    if not found:
        raise ClipHarError("--classes: expected at least two names with commas between them")
    return found


def _pictures(given: argparse.Namespace, names: Sequence[str]) -> "PictureFiles | None":
    if given.picture is None:
        return None
    from clip_har.predict.picture import PictureFiles

    found = PictureFiles(given.picture)
    several = len(names) > 1 or names[0] == _STDIN or _holds_several(Path(names[0]).expanduser())
    if found.is_file and several:
        raise ClipHarError(
            f"--picture {given.picture}: there may be several videos: name a folder for a picture"
            " of each"
        )
    return found


def _holds_several(path: Path) -> bool:
    """Return whether a path may stand for several clips: a folder that is not one of images."""
    from clip_har.predict.videos import named_videos

    return path.is_dir() and list(named_videos([str(path)], ())) != [path]


def _videos(names: Sequence[str]) -> Iterator[Path]:
    from clip_har.predict.videos import named_videos

    return named_videos(names, sys.stdin.buffer)


class _Shown:
    """Shows one video after the other."""

    def __init__(
        self, predictor: "Predictor", given: argparse.Namespace, pictures: "PictureFiles | None"
    ) -> None:
        self._predictor = predictor
        self._given = given
        self._pictures = pictures
        self._console: Console | None = None
        self._tables = 0

    def show(self, video: Path) -> bool:
        """Show a video; return whether it could be read and shown to the model."""
        from clip_har.data.decode.containers import DecodeError
        from clip_har.predict.predictor import LeftOutError
        from clip_har.predict.record import failure

        tiles = 0
        if self._pictures is not None:
            from clip_har.predict.picture import TILES

            tiles = TILES
        try:
            found = self._predictor.predict(video, tiles=tiles)
        except (DecodeError, LeftOutError) as error:
            sys.stderr.write(f"clip-har: {plain_name(str(video))}: {error}\n")
            if self._given.json:
                self._write(failure(video, str(error)))
            return False
        if self._given.json:
            self._write(self._record(found))
        else:
            self._show_table(found)
        if self._pictures is not None:
            self._draw(self._pictures.of(video), found)
        return True

    def end(self) -> None:
        """Say below the tables what was shown to which model, and what the probabilities are."""
        from clip_har.predict.prediction import WHAT_IT_IS

        if self._tables:
            classes = len(self._predictor.class_names)
            said = self._predictor.description, WHAT_IT_IS.format(classes=classes)
            for line in (*said, *self._predictor.cautions):
                self._terminal().print(line, style="dim", highlight=False, markup=False)

    def _record(self, found: "Prediction") -> dict[str, object]:
        from clip_har.predict.record import record

        predictor = self._predictor
        return record(
            found,
            top=self._given.top,
            model=predictor.cell.model.checkpoint,
            settings=predictor.words,
            cautions=predictor.cautions,
        )

    def _write(self, content: dict[str, object]) -> None:
        sys.stdout.write(json.dumps(content, allow_nan=False) + "\n")
        sys.stdout.flush()  # a reader gets each video at once

    def _show_table(self, found: "Prediction") -> None:
        from clip_har.predict.table import prediction_table

        console = self._terminal()
        blocks = not console.options.ascii_only
        console.print(
            prediction_table(found, top=self._given.top, width=console.width, blocks=blocks),
            highlight=False,
        )
        sys.stdout.flush()
        self._tables += 1

    def _draw(self, path: Path, found: "Prediction") -> None:
        from clip_har.predict.picture import write_picture

        write_picture(
            path,
            found,
            top=self._given.top,
            description=self._predictor.description,
            cautions=self._predictor.cautions,
        )
        if not self._given.json:
            name = plain_name(str(path))
            self._terminal().print(name, highlight=False, soft_wrap=True, markup=False)

    def _terminal(self) -> "Console":
        if self._console is None:
            from rich.console import Console

            console = Console()
            self._console = console if console.is_terminal else Console(width=_WIDTH)
        return self._console


if __name__ == "__main__":
    run()
