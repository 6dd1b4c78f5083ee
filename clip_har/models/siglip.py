"""SigLIP (Zhai et al. 2023) and SigLIP 2 (Tschannen et al. 2025) through transformers."""

from collections.abc import Mapping
from typing import ClassVar

from clip_har.models.option import FrameModel


class SigLIP(FrameModel):
    """A SigLIP or SigLIP 2 checkpoint of fixed resolution (``model_type`` siglip).

    `clip_har.models.naflex` has those of variable resolution (NaFlex, ``model_type`` siglip2).
    Scores are SigLIP's logits, scale times cosine plus bias. The model was
    trained on their sigmoid, which says how well each class fits alone. Measures of confidence use
    the softmax over the classes, as for every model here; the bias has no effect on it.

    It has no attribution, because it has no class token.
    """

    architectures: ClassVar[Mapping[str, str]] = {"siglip": "SiglipModel"}
    padded_texts: ClassVar[bool] = True
