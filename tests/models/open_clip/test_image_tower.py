"""What image towers are, and their attention weights."""

import pytest
import torch

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.models.attribution import clip_attribution, embed_clip
from clip_har.models.open_clip.image_tower import attending, patch_size
from clip_har.models.open_clip.network import image_tower
from clip_har.models.open_clip.option import OpenCLIP
from tests.config.test_cell import composed
from tests.models.open_clip.made import write

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("architecture", "patch", "attends"),
    [
        ("ViT-B-32", 32, True),
        ("ViT-L-14-CLIPA", 14, False),  # it pools patches
        ("coca_ViT-B-32", 32, False),  # a head pools
        ("EVA02-B-16", 16, True),
        ("MobileCLIP-B", 16, True),  # convolutions, then a transformer
        ("ViT-B-16-SigLIP2", 16, False),
        ("PE-Core-B-16", 16, False),
        ("ViTamin-S", 16, False),
        ("MobileCLIP2-S0", None, False),
        ("convnext_base", None, False),
        ("RN50", None, False),
        ("roberta-ViT-B-32", 32, True),  # its text tower is described on the hub only
    ],
)
def test_patches_and_class_tokens(architecture, patch, attends):
    visual = image_tower(architecture)
    assert patch_size(visual) == patch
    assert (attending(visual) is not None) == attends
    assert all(weight.is_meta for weight in visual.parameters())


@pytest.mark.parametrize("kind", ["vit", "timm_vit", pytest.param("eva", marks=pytest.mark.slow)])
def test_attention_is_part_of_the_same_answer(kind, tmp_path):
    model = OpenCLIP(checkpoint=str(write(tmp_path / "model", kind))).load(
        device=CPU, precision="fp32"
    )
    size, shape = model.image_size, model.network.vision_model.config
    pixels = torch.randn((2, 3, size, size), requires_grad=True)
    plain = model.network.get_image_features(pixels)
    shown = model.network.get_image_features(pixels, output_attentions=True)
    torch.testing.assert_close(shown.pooler_output, plain.pooler_output, atol=1e-5, rtol=1e-5)
    assert len(shown.attentions) == shape.num_hidden_layers
    tokens = (size // shape.patch_size) ** 2 + 1
    for weights in shown.attentions:
        assert weights.shape == (2, shape.num_attention_heads, tokens, tokens)
        torch.testing.assert_close(weights.sum(dim=-1), torch.ones_like(weights[..., 0]))
    slopes = torch.autograd.grad(shown.pooler_output.sum(), shown.attentions)
    assert all(slope.abs().sum() > 0 for slope in slopes)
    again = model.network.get_image_features(pixels)
    assert torch.equal(again.pooler_output, plain.pooler_output), "fused kernels are on again"
    clip = torch.randint(0, 256, (2, 3, size, size), dtype=torch.uint8)
    found = clip_attribution(
        model, clip, model.encode_texts(["a dog"])[0], embed_clip(model, clip), first_layer=-1
    )
    assert found.shape == (2, size // shape.patch_size, size // shape.patch_size)
    assert found.min() >= 0
    assert found.std() > 0


def test_a_tower_without_a_class_token_is_refused_before_any_work(tmp_path):
    folder = write(tmp_path / "model", "siglip")
    chosen = ["model=open_clip", f"model.checkpoint={folder}", "region=relevance"]
    with pytest.raises(ClipHarError, match=r"^region=relevance: the model has no class token"):
        cell_from_config(composed(*chosen, "masking=feature"))
