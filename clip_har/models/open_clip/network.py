"""Build an open_clip model, and ask it in the words of transformers."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from clip_har.core.imports import quick_imports
from clip_har.models.open_clip.image_tower import attending, recorded
from clip_har.models.open_clip.library import check_library, silent


class Features(NamedTuple):
    """What a tower makes of frames or texts.

    Attributes:
        pooler_output: ``(N, D)``, not of length 1.
        attentions: ``(N, heads, tokens, tokens)`` of each layer, if they were asked for.
    """

    pooler_output: Tensor
    attentions: tuple[Tensor, ...] | None = None


class _VisionModel:
    """A tower whose class token attends to patches, as `clip_har.models.attribution` asks it."""

    def __init__(self, config: Any) -> None:
        self.config = config

    def set_attn_implementation(self, name: str) -> None:
        self.config._attn_implementation = name


class OpenClipNetwork(nn.Module):
    """An open_clip model with the methods that this package calls on models of transformers.

    Attributes:
        model: the model of open_clip.
        vision_model: describes the image tower if its class token attends to patches, else None.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        shape = attending(model.visual)
        self.vision_model = None if shape is None else _VisionModel(shape)

    def get_image_features(
        self,
        pixel_values: Tensor,
        output_attentions: bool = False,
    ) -> Features:
        """Embed ``(M, 3, S, S)`` normalised pixels; gradients flow."""
        if not output_attentions:
            return Features(self.model.encode_image(pixel_values, normalize=False))
        with recorded(self.model.visual) as weights:
            found = self.model.encode_image(pixel_values, normalize=False)
        return Features(found, tuple(weights))

    def get_text_features(self, input_ids: Tensor) -> Features:
        """Embed ``(N, context)`` tokens."""
        return Features(self.model.encode_text(input_ids, normalize=False))


def build(name: str, overrides: Mapping[str, Any]) -> Any:
    """Build a model with random weights on the CPU, in float32.

    Args:
        name: of an architecture, or ``local-dir:FOLDER``.
        overrides: as `open_clip.create_model` takes it.
    """
    with quick_imports():
        import open_clip

    with silent():
        return open_clip.create_model(
            name, load_weights=False, pretrained_image=False, pretrained_text=False, **overrides
        )


def skeleton(name: str, overrides: Mapping[str, Any]) -> Any:
    """Build a model without memory for its weights, to see what it is."""
    with torch.device("meta"):
        return build(name, {**overrides, "device": "meta"})


@lru_cache(maxsize=256)
def image_tower(name: str, image_size: int | None = None) -> Any:
    """Return the image tower of a model, without memory for its weights.

    The text tower may need files of the hub, so it is replaced by a small one.

    Args:
        name: of an architecture, or ``local-dir:FOLDER``.
        image_size: side of the input, pixels; None for the model's own.
    """
    check_library()
    text = {"layers": 1, "width": 64, "heads": 1}
    return skeleton(name, {"text_cfg": text, "force_image_size": image_size}).visual
