"""The models that can be evaluated: ``clip-har-models``.

It lists the options of the ``model`` group, and all weights of open_clip's table: input size,
parameters, licence where it is known, and what works: gradients, learned noise, attribution
(region=relevance and the attention measures). Options that take a checkpoint of your own come
last. Words filter the names. It downloads nothing.

    clip-har-models
    clip-har-models siglip2 b-16
    clip-har-models datacomp --json
"""

import json
import sys
from argparse import RawDescriptionHelpFormatter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from hydra.utils import get_class
from omegaconf import OmegaConf
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.cli.parser import Parser
from clip_har.config.options import header_of, option_files
from clip_har.core.errors import ClipHarError
from clip_har.models.open_clip.library import tags
from clip_har.models.open_clip.listing import Listed, licence_of, listed
from clip_har.models.open_clip.option import OpenCLIP
from clip_har.models.sizes import Size, known_sizes

_WIDTH = 400  # columns if the output is not a terminal; the table takes what it needs
_UNKNOWN = "–"


def main(arguments: Sequence[str]) -> None:
    """Print the models whose names have all words that were typed."""
    parser = Parser(
        "clip-har-models", description=__doc__, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("words", nargs="*", help="parts of a name; all must be in it")
    parser.add_argument("--json", action="store_true", help="print a list for scripts")
    given = parser.parse_args(arguments)
    found, own = list(models(given.words)), own_models(given.words)
    if not found and not own:
        raise ClipHarError(f"no model has {' and '.join(given.words)} in its name")
    if given.json:
        sys.stdout.write(json.dumps([asdict(one) for one in found], indent=2) + "\n")
        return
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDTH)  # no name is cut in two for a pipe
    if found:
        console.print(table(found), highlight=False)
    for name, text in own.items():
        console.print(f"model={name}: {text}", highlight=False, soft_wrap=True, markup=False)


def own_models(words: Sequence[str]) -> dict[str, str]:
    """Return the options that take a checkpoint of one's own, and what each of them is.

    Args:
        words: only options that have them all in their names, in any case.
    """
    found = {}
    for name, path in option_files("model").items():
        given = OmegaConf.select(OmegaConf.load(path), "checkpoint", throw_on_missing=False)
        has_its_own = OmegaConf.select(OmegaConf.load(path), "_target_") is not None
        if given is None and has_its_own and all(word.lower() in name for word in words):
            found[name] = header_of(path).first_sentence
    return found


def models(words: Sequence[str]) -> Iterator[Listed]:
    """Yield the options of transformers, then open_clip's table.

    Args:
        words: only models that have them all in their names, in any case.
    """

    def is_meant(*names: str) -> bool:
        text = " ".join(names).lower()
        return all(word.lower() in text for word in words)

    named = {}
    for name, path in option_files("model").items():
        option = OmegaConf.load(path)
        checkpoint = OmegaConf.select(option, "checkpoint", throw_on_missing=False)
        target = OmegaConf.select(option, "_target_")
        if target is None or get_class(target) is OpenCLIP:
            named[str(checkpoint)] = name
        elif checkpoint is not None and is_meant(name, checkpoint):
            yield _of_transformers(name, str(checkpoint), get_class(target))
    for tag in tags():
        option_name = named.get(str(tag), "open_clip")
        if is_meant(option_name, str(tag)):
            yield listed(tag, option_name)


def table(found: Sequence[Listed]) -> Table:
    """Return one row per model."""
    drawn = Table(box=SIMPLE, pad_edge=False, header_style="bold")
    drawn.add_column("model.checkpoint", overflow="fold")
    drawn.add_column("model", overflow="fold")
    for name in ("px", "parameters"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for name in ("licence", "gradients", "learned noise", "attribution"):
        drawn.add_column(name)
    for one in found:
        drawn.add_row(
            escape(one.checkpoint),
            one.option,
            _UNKNOWN if one.image_size is None else str(one.image_size),
            _UNKNOWN if one.parameters is None else f"{one.parameters / 1e6:,.0f} M",
            one.licence or _UNKNOWN,
            *("yes" if works else "no" for works in _works(one)),
        )
    return drawn


def run() -> None:
    """Run the command; an error is one line and a non-zero exit status."""
    take_over_errors()
    try:
        main(sys.argv[1:])
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


def _works(one: Listed) -> tuple[bool, bool, bool]:
    return one.gradients, one.learned_noise, one.attribution


def _of_transformers(option: str, checkpoint: str, kind: Any) -> Listed:
    size = known_sizes().get(checkpoint, Size(None, None))
    return Listed(
        checkpoint=checkpoint,
        option=option,
        image_size=size.image_size,
        parameters=size.parameters,
        licence=licence_of(checkpoint),
        gradients=True,
        learned_noise=kind.single_frames,
        attribution=kind.gives_attribution,
        repository=checkpoint,
    )


if __name__ == "__main__":
    run()
