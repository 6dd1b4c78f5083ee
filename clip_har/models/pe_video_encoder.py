"""The video part of PE-AV, Meta's Perception Encoder for audio and video."""

import contextlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors import safe_open
from torch import Tensor

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import MODEL, weight_files, weights_digest
from clip_har.models.device import Precision, pick_dtype
from clip_har.models.encoder import place, try_out
from clip_har.models.pretrained import load_pretrained
from clip_har.models.processor import pixel_scale, square, video_processor
from clip_har.models.whole_clips import ClipDualEncoder

_PARTS = ("video_model.", "text_model.")  # in a checkpoint with audio; they share the text tower
_LONGEST = 512  # tokens of a text, as its authors cut it


@dataclass(frozen=True, kw_only=True)
class PeVideoEncoder(ClipDualEncoder):
    """A frozen PE-Video; the logit is scale times the product of both embeddings, plus bias."""

    clip_norm_counts: ClassVar[bool] = True
    text_norm_counts: ClassVar[bool] = True

    def features(self, pixels: Tensor) -> Tensor:
        """Embed normalised clips ``(B, T, 3, S, S)`` as ``(B, D)``."""
        pooled: Tensor = self.network.video_head(
            self.network.video_encoder(pixel_values_videos=pixels).pooler_output
        )
        return pooled

    def features_of_tokens(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Embed texts ``(N, D)`` that are tokenised, as the network's own forward pass does it."""
        output = self.network.text_model(**tokens, output_hidden_states=-1)
        features: Tensor = self.network.text_video_head(output.hidden_states[-1][:, 0])
        return features


def load_pe_video(
    architecture: Any, folder: Path, *, name: str, device: torch.device, precision: Precision
) -> PeVideoEncoder:
    """Load a PE-Video, frozen and in evaluation mode.

    Args:
        architecture: transformers' ``PeVideoModel``, or ``PeAudioVideoModel``, which holds one.
        folder: the checkpoint.
        name: as the user wrote it.
        device: where it runs.
        precision: of the forward pass.

    Raises:
        ClipHarError: when a file of the checkpoint is missing or damaged.
    """
    pick_dtype(precision, device)  # before the work of loading
    processor = video_processor(folder)
    scale, (_, size) = pixel_scale(folder, processor=processor), square(folder, processor=processor)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a remark on its own documentation
        network, tokenizer = _load(architecture, folder, named=f"{MODEL}={name}")
    logit_scale = float(network.text_video_logit_scale.detach())
    logit_bias = float(network.text_video_logit_bias.detach())
    dtype = place(network, name, device=device, precision=precision)
    model = PeVideoEncoder(
        network=network,
        tokenizer=tokenizer,
        name=name,
        digest=weights_digest(folder),
        image_size=size,
        context_length=min(_LONGEST, network.config.text_config.max_position_embeddings),
        scale=scale,
        logit_scale=logit_scale,
        logit_bias=logit_bias,
        device=device,
        dtype=dtype,
        clip_length=frames_of(processor),
    )
    try_out(model)
    return model


def _load(architecture: Any, folder: Path, *, named: str) -> tuple[Any, Any]:
    """Load the network and the tokenizer; of a checkpoint with audio the video part alone."""
    from transformers import AutoTokenizer, PeVideoModel

    if architecture is PeVideoModel:
        return load_pretrained(architecture, folder, named=named, reads_end=False)
    try:
        config = architecture.config_class.from_pretrained(folder, local_files_only=True)
        loaded: Any = PeVideoModel.from_pretrained(
            None,
            config=config.video_config,
            state_dict=_video_tensors(folder),
            dtype=torch.float32,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # a damaged file may cause any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(f"{named}: cannot be loaded ({reason})") from error
    network, report = loaded
    if wrong := {*report["missing_keys"], *report["unexpected_keys"], *report["mismatched_keys"]}:
        raise ClipHarError(
            f"{named}: the weights do not fit config.json ({len(wrong)} tensors of the video part"
            f" are missing, have no place or are of another shape, such as {min(map(str, wrong))})"
        )
    if len(tokenizer) > config.text_config.vocab_size:
        raise ClipHarError(
            f"{named}: the tokenizer has {len(tokenizer)} words and the text tower"
            f" {config.text_config.vocab_size}; the folder's tokenizer files are not this model's"
        )
    network.eval().requires_grad_(requires_grad=False)
    return network, tokenizer


def _video_tensors(folder: Path) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint's video part, under the names of ``PeVideoModel``."""
    found = {}
    for path in weight_files(folder):
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118
                if name.startswith(_PARTS):
                    found[name.removeprefix(_PARTS[0])] = file.get_tensor(name)
    return found


def frames_of(processor: Any) -> int | None:
    """Return the frames that a video processor samples from each clip; None for all of them."""
    return processor.num_frames if processor.do_sample_frames else None
