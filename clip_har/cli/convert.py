"""Convert a pickled checkpoint to safetensors: ``clip-har-convert``.

    clip-har-convert vifi_clip.pth vifi_clip.safetensors
    clip-har model=clip_vit_b16 model.weights=vifi_clip.safetensors

It is the only command that reads a pickle, and it does nothing else. PyTorch reads the file with
``weights_only``: only tensors, numbers, texts and containers of them are made; code in the file is
never run. The tensors keep their names, types and values. What training left beside them
(optimiser, schedule, configuration) is left out.
"""

import sys
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.cli.parser import Parser
from clip_har.core.errors import ClipHarError
from clip_har.core.tensor_file import write_tensors

PLACES = ("state_dict", "model_state_dict", "model_state", "model")
"""Where training code keeps the tensors: Lightning, plain loops, SlowFast, X-CLIP."""

_PLAIN = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def main(arguments: list[str] | None = None) -> None:
    """Convert a checkpoint as the command says.

    Args:
        arguments: of the command; None for those of this process.

    Raises:
        ClipHarError: when the file cannot be read as weights alone, or has no state dict.
    """
    parser = Parser(
        prog="clip-har-convert", description=(__doc__ or "").split("\n\n", 1)[0], allow_abbrev=False
    )
    parser.add_argument("source", type=Path, help="a checkpoint of PyTorch: .pth, .pt, .pyth, .bin")
    parser.add_argument("target", type=Path, help="the .safetensors file to write")
    parser.add_argument(
        "--key",
        metavar="NAME",
        help="where the weights stand in the checkpoint, such as model_ema (default: one of"
        f" {', '.join(PLACES)})",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that exists")
    given = parser.parse_args(arguments)
    if given.target.suffix != ".safetensors":
        raise ClipHarError(f"{given.target}: expected a name that ends with .safetensors")
    if given.target.is_dir():
        raise ClipHarError(f"{given.target}: expected a file to write, got a folder")
    if given.target.exists() and not given.force:
        raise ClipHarError(f"{given.target}: the file exists; --force replaces it")
    content = read_pickle(given.source)
    place, tensors = state_dict(content, given.source, key=given.key)
    write_tensors(given.target, tensors, {"format": "pt"})
    size = sum(tensor.nbytes for tensor in tensors.values())
    where = f" of {place}" if place else ""
    if others := [one for one in _with_tensors(content) if one != place] if place else []:
        where += f" (not {' or '.join(others)}: --key {others[0]})"
    sys.stdout.write(
        f"{given.target}: {len(tensors)} tensors{where}, {size / 1e6:,.1f} MB; use it with"
        f" model.weights={given.target}\n"
    )


def read_pickle(source: Path) -> Any:
    """Read a checkpoint of PyTorch without running code of the file.

    Raises:
        ClipHarError: when there is none, it is damaged, or it holds more than weights.
    """
    if not source.is_file():
        raise ClipHarError(f"{source}: no such file")
    # X-CLIP's training code, which ViFi-CLIP uses, saves its yacs configuration, too. It
    # is read as a plain dictionary, which is then left out.
    inert: list[Any] = [(OrderedDict, "yacs.config.CfgNode")]
    try:
        with torch.serialization.safe_globals(inert):
            return torch.load(source, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may cause any error
        text = " ".join(str(error).split())
        if "TorchScript" in text:
            raise ClipHarError(
                f"{source}: a TorchScript archive, which is a program: use the same model from the"
                " hub (OpenAI's CLIP: model=clip_vit_b16), or save its state_dict() where you trust"
                " it"
            ) from error
        reason = text.partition("WeightsUnpickler error: ")[2] or text or type(error).__name__
        _, found, named = reason.partition("GLOBAL ")
        why = f"it needs {named.split()[0]}" if found else reason[:120]
        raise ClipHarError(
            f"{source}: cannot be read as weights alone ({why}): where you trust the file, load it"
            " with the code that wrote it and save the state dict only:"
            " torch.save(model.state_dict(), 'weights.pth')"
        ) from error


def state_dict(
    content: Any, source: Path, *, key: str | None = None
) -> tuple[str, dict[str, Tensor]]:
    """Return where the tensors of a checkpoint stand, and the tensors, each with its own memory.

    Args:
        content: what the file holds.
        source: for messages.
        key: where the tensors stand; None to look for them in `PLACES`.

    Returns:
        The key of the state dict; empty if the file is the state dict itself.

    Raises:
        ClipHarError: when there is no state dict, or there are several.

    Example:
        >>> place, found = state_dict({"epoch": 3, "model": {"w": torch.ones(2)}}, Path("x.pth"))
        >>> place, list(found)
        ('model', ['w'])
    """
    if not isinstance(content, Mapping):
        raise ClipHarError(f"{source}: expected a dictionary, got {type(content).__name__}")
    if key is not None and key not in (known := _with_tensors(content)):
        found = f"it has tensors under {', '.join(known)}" if known else "it has none under a key"
        raise ClipHarError(f"{source}: no tensors under {key}: {found}")
    places = [one for one in PLACES if isinstance(content.get(one), Mapping)]
    places = places if key is None else [key]
    if len(places) > 1:
        raise ClipHarError(
            f"{source}: expected one state dict, got {' and '.join(places)}: name the one that is"
            f" meant, such as --key {places[0]}"
        )
    place = places[0] if places else ""
    inside = content[place] if place else content
    tensors = {
        str(name): tensor.detach().clone()
        for name, tensor in inside.items()
        if isinstance(tensor, Tensor)
    }
    if not tensors:
        raise ClipHarError(
            f"{source}: expected tensors, or a state dict under one of {', '.join(PLACES)}; it has"
            f" {', '.join(map(str, list(content)[:5])) or 'nothing'}"
        )
    for name, tensor in tensors.items():
        plain = tensor.dtype in _PLAIN or not tensor.is_floating_point()
        if not plain or tensor.layout != torch.strided or tensor.is_quantized:
            raise ClipHarError(
                f"{source}: {name} is {tensor.dtype}, {tensor.layout}: expected plain tensors of"
                " float32, float16 or bfloat16: convert them where the file was made"
            )
    return place, tensors


def _with_tensors(content: Mapping[Any, Any]) -> list[str]:
    """Return the keys under which a checkpoint has tensors by name."""
    return [
        str(key)
        for key, inside in content.items()
        if isinstance(inside, Mapping) and any(isinstance(one, Tensor) for one in inside.values())
    ]


def run() -> None:
    """Run the command; after an error, end with one clear line."""
    take_over_errors()
    try:
        main()
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


if __name__ == "__main__":
    run()
