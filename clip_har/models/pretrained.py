"""Load a model of transformers with its tokenizer from a folder, with one-line errors."""

import math
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import weight_files

_SLACK = 2  # shared weights may be counted twice
_BUFFER = "position_ids"  # old checkpoints hold it; it is the numbers from 0
_NUMBERS = (_BUFFER, "num_batches_tracked")  # stored as whole numbers
_PLAIN = ("F64", "F32", "F16", "BF16")


def load_pretrained(
    architecture: Any, folder: Path, *, named: str, reads_end: bool = True
) -> tuple[Any, Any]:
    """Load a network, frozen, in evaluation mode and float32 on the CPU, and its tokenizer.

    Args:
        architecture: a class of transformers whose configuration has a ``text_config``.
        folder: the checkpoint, see `clip_har.models.checkpoint.find_checkpoint`.
        named: as the user wrote it, such as ``model.checkpoint=FOLDER``, for messages.
        reads_end: whether the text tower is known to read a text at its end token or at the last
            one, so that its tokenizer can be checked; a family that nobody listed is tried instead.

    Returns:
        The network and the tokenizer.

    Raises:
        ClipHarError: when a file is missing or damaged, or the files do not belong together.
    """
    # Here: a report paints frames with noise, whose modules import this one, and loads no model.
    from transformers import AutoTokenizer
    from transformers.utils.logging import disable_progress_bar, set_verbosity_error

    disable_progress_bar()  # type: ignore[no-untyped-call]
    set_verbosity_error()  # type: ignore[no-untyped-call]  # weights that do not fit are reported below
    try:
        _check_size(architecture, folder, named=named)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network, report = architecture.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except ClipHarError:
        raise
    except Exception as error:  # a damaged file may cause any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(f"{named}: cannot be loaded ({reason})") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        raise ClipHarError(
            f"{named}: the weights do not fit config.json ({len(report['missing_keys'])} missing,"
            f" {len(report['mismatched_keys'])} of another shape)"
        )
    if unread := [key for key in report["unexpected_keys"] if not key.endswith(_BUFFER)]:
        raise ClipHarError(
            f"{named}: {len(unread)} tensors of the weights have no place in the model, such as"
            f" {min(unread)}: it was trained with other parts than config.json names"
        )
    words = network.config.text_config.vocab_size
    if len(tokenizer) > words or (reads_end and len(tokenizer) != words):
        raise ClipHarError(
            f"{named}: the tokenizer has {len(tokenizer)} words and the text tower {words}; the"
            " folder's tokenizer files are not this model's"
        )
    if tokenizer.pad_token_id is None:
        raise ClipHarError(
            f"{named}: the tokenizer has no pad_token: tokenizer_config.json is damaged"
        )
    if reads_end:
        _check_end(network.config, tokenizer, named=named)
    network.eval().requires_grad_(requires_grad=False)
    return network, tokenizer


def _check_end(config: Any, tokenizer: Any, *, named: str) -> None:
    """Raise if the text tower would not read a text's embedding at its end token.

    A CLIP reads it where the end token of its configuration stands; if there is none, at the first
    token, so that all texts are alike. Old configurations have a wrong number for it, 2; with them,
    and in X-CLIP always, it reads at the token with the largest number. SigLIP reads the last one.
    """
    if config.model_type in ("siglip", "siglip2"):
        return
    named_end, end = config.text_config.eos_token_id, tokenizer.eos_token_id
    by_size = config.model_type == "xclip" or (config.model_type != "metaclip_2" and named_end == 2)
    largest = len(tokenizer) - 1
    if end is None or end not in tokenizer("a")["input_ids"]:
        raise ClipHarError(
            f"{named}: the tokenizer puts no end token after a text, where the model reads it;"
            " tokenizer.json is damaged or of another model"
        )
    if end != (largest if by_size else named_end):
        what = "the largest number" if by_size else f"eos_token_id={named_end} of config.json"
        raise ClipHarError(
            f"{named}: the model reads a text at the token with {what}, and the tokenizer's end"
            f" token is {end}; set eos_token_id in text_config if the tokenizer is right"
        )


def _check_size(architecture: Any, folder: Path, *, named: str) -> None:
    """Raise if weights are quantised, or if the configuration's network is far larger than them.

    Memory for the whole network is allocated before a weight is read, and layers are made one by
    one. So a damaged number would fill the memory or never end.
    """
    tensors: dict[str, int] = {}
    for path in weight_files(folder):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118
                held = file.get_slice(name)
                if held.get_dtype() not in _PLAIN and not name.endswith(_NUMBERS):
                    raise ClipHarError(
                        f"{named}: {name} is stored as {held.get_dtype()}: quantised weights are"
                        " not read as such; use weights in F32, F16 or BF16"
                    )
                tensors[name] = math.prod(held.get_shape())
    config = architecture.config_class.from_pretrained(folder, local_files_only=True)
    parts = [config, *(getattr(config, f"{part}_config", None) for part in ("text", "vision"))]
    layers = max(int(getattr(part, "num_hidden_layers", None) or 0) for part in parts)
    if layers > len(tensors):
        raise ClipHarError(
            f"{named}: config.json asks for {layers} layers, the weights hold {len(tensors)}"
            " tensors in all: one of them is damaged"
        )
    with torch.device("meta"):
        expected = sum(tensor.numel() for tensor in architecture(config).state_dict().values())
    stored = sum(tensors.values())
    if expected > _SLACK * stored:
        raise ClipHarError(
            f"{named}: config.json asks for {expected:,} parameters, the weights hold {stored:,}:"
            " one of them is damaged"
        )
