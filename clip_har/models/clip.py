"""CLIP (Radford et al. 2021) and models of the same architecture, through transformers."""

from collections.abc import Mapping
from typing import ClassVar

from clip_har.models.option import FrameModel


class CLIP(FrameModel):
    """A CLIP: OpenAI's, MetaCLIP (Xu et al. 2024) or MetaCLIP 2 (Chuang et al. 2025).

    They differ in their training data; MetaCLIP 2 also has its own tokenizer.
    """

    architectures: ClassVar[Mapping[str, str]] = {
        "clip": "CLIPModel",
        "metaclip_2": "MetaClip2Model",
    }
    gives_attribution: ClassVar[bool] = True
