"""Load a model of transformers with its tokenizer from a folder, or say in one line why not."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from transformers import AutoTokenizer
from transformers.utils.logging import disable_progress_bar

from clip_har.errors import ClipHarError


def load_pretrained(architecture: Any, folder: Path, *, named: str) -> tuple[Any, Any]:
    """Load a network, frozen, in evaluation mode and float32 on the CPU, and its tokenizer.

    Args:
        architecture: a class of transformers whose configuration has a ``text_config``.
        folder: the checkpoint, see `clip_har.models.checkpoint.find_checkpoint`.
        named: what the user calls it, such as ``model.checkpoint=FOLDER``, for messages.

    Returns:
        The network and the tokenizer.

    Raises:
        ClipHarError: when a file is missing or damaged, or the files do not belong together.
    """
    disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        network, report = architecture.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise ClipHarError(f"{named}: cannot be loaded ({reason})") from error
    if report["missing_keys"] or report["mismatched_keys"]:
        raise ClipHarError(
            f"{named}: the weights do not fit config.json ({len(report['missing_keys'])} missing,"
            f" {len(report['mismatched_keys'])} of another shape)"
        )
    words = network.config.text_config.vocab_size
    if len(tokenizer) != words:
        raise ClipHarError(
            f"{named}: the tokenizer has {len(tokenizer)} words and the text tower {words}; the"
            " folder's tokenizer files are not this model's"
        )
    network.eval().requires_grad_(requires_grad=False)
    return network, tokenizer
