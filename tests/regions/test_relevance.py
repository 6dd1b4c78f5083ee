"""The model's own attribution: known by construction, and the tiny CLIP's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, cast

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import CLIPConfig, CLIPModel

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet
from clip_har.data.frames.store import ClipFrames
from clip_har.models.attribution import attribution
from clip_har.models.dual_encoder import DualEncoder
from clip_har.models.processor import PixelScale
from clip_har.models.zero_shot import ZeroShot
from clip_har.regions.relevance import RelevanceRegion, spread
from clip_har.regions.source import INSIDE
from clip_har.synthetic.plan import plan_clips
from clip_har.synthetic.render import render_clip
from clip_har.synthetic.tiny_clip import TinyCLIP
from tests.regions.made import shown, soft_masks

CPU = torch.device("cpu")
PATCH, GRID, HIDDEN, OUT = 8, 6, 16, 4
SIDE = PATCH * GRID
RED, GREEN = 0, 1  # colour channels, classes and dimensions of the embedding alike
TEXTS = {"the red one": RED, "the green one": GREEN}
BIAS, CLASS, FIRST_OUT = 4, 5, 8  # hidden dimensions; colours are 0 to 2

Place = tuple[int, int]


# A model that looks at coloured patches only


class Planted(DualEncoder):
    def encode_texts(self, texts: Sequence[str]) -> Tensor:
        return torch.eye(OUT)[[TEXTS[text] for text in texts]]


@cache
def planted() -> ZeroShot:
    """Return a model whose class token attends to red and green patches, and reads their colour.

    The first layer passes everything on. In the second, red patches write to the first dimension
    of the embedding and green ones to the second, so that red speaks for the first class and
    against the second.
    """
    vision = {
        "hidden_size": HIDDEN, "intermediate_size": 8, "num_hidden_layers": 2,
        "num_attention_heads": 2, "patch_size": PATCH, "image_size": SIDE,
    }  # fmt: skip
    text = {**vision, "vocab_size": 9, "bos_token_id": 1, "eos_token_id": 3}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=OUT)
    network: Any = CLIPModel(config).eval().requires_grad_(requires_grad=False)
    tower = network.vision_model
    for name, weight in tower.named_parameters():
        weight.fill_(1.0 if "norm" in name and name.endswith("weight") else 0.0)
    embeddings = tower.embeddings
    for channel in range(3):
        embeddings.patch_embedding.weight[channel, channel] = 1 / PATCH**2
    embeddings.class_embedding[CLASS] = 1
    embeddings.position_embedding.weight[:, BIAS] = 1  # a black patch is not nothing
    attention = tower.encoder.layers[1].self_attn
    for head in range(2):
        row = head * HIDDEN // 2
        attention.q_proj.weight[row, CLASS] = 1
        attention.k_proj.weight[row, [RED, GREEN]] = 4
    for colour in (RED, GREEN):  # the first head carries both
        attention.v_proj.weight[colour, colour] = 1
        attention.out_proj.weight[FIRST_OUT + colour, colour] = 3
    network.visual_projection.weight.zero_()
    for number in range(OUT):
        network.visual_projection.weight[number, FIRST_OUT + number] = 1
    model = Planted(
        network=network, tokenizer=None, name="planted", digest="", image_size=SIDE,
        context_length=8, scale=PixelScale((0, 0, 0), (1, 1, 1)), logit_scale=10.0, device=CPU,
        dtype=torch.float32,
    )  # fmt: skip
    return ZeroShot(model, torch.eye(OUT)[:2], "mean", 32)


def painted(*frames: dict[int, Sequence[Place]], label: int = 0) -> ClipFrames:
    """Return black frames with patches of some colours at given rows and columns of the grid."""
    pixels = np.zeros((len(frames), 3, SIDE, SIDE), np.uint8)
    for picture, colours in zip(pixels, frames, strict=True):
        for colour, places in colours.items():
            for row, column in places:
                box = (
                    slice(row * PATCH, (row + 1) * PATCH),
                    slice(column * PATCH, (column + 1) * PATCH),
                )
                picture[colour][box] = 255
    return shown(pixels, label)


WALK = painted(
    {RED: [(1, 1), (2, 1), (3, 1)], GREEN: [(4, 4)]},
    {RED: [(1, 3), (2, 3), (3, 3)], GREEN: [(0, 5)]},
)


def located(clip: ClipFrames, target: str = "subject", **settings: Any) -> NDArray[np.float32]:
    region = RelevanceRegion(**({"threshold": 0.5} | settings))
    return soft_masks(region.locator(planted))([clip], target)[0]


def places(soft_mask: NDArray[np.float32]) -> list[list[Place]]:
    """Return which patches of each frame are inside at their centres."""
    at = slice(PATCH // 2, None, PATCH)
    return [
        list(zip(*map(list, np.nonzero(frame[at, at] >= INSIDE)), strict=True))
        for frame in soft_mask
    ]


@pytest.mark.parametrize("first_layer", [0, -1])
def test_the_attribution_lies_on_the_patches_that_it_depends_on(first_layer: int) -> None:
    red = located(WALK, first_layer=first_layer)
    assert red.shape == (2, SIDE, SIDE)
    assert red.dtype == np.float32
    assert places(red) == [[(1, 1), (2, 1), (3, 1)], [(1, 3), (2, 3), (3, 3)]]
    at = slice(PATCH // 2, None, PATCH)
    assert np.sort(red[:, at, at].ravel())[:-6].max() < 0.1  # at the centres of all other patches


def test_another_text_has_its_attribution_elsewhere() -> None:
    assert places(located(WALK, "the green one")) == [[(4, 4)], [(0, 5)]]
    np.testing.assert_array_equal(located(WALK, "the red one"), located(WALK))


def test_the_class_is_the_predicted_one_or_the_true_one() -> None:
    wrong = replace(WALK, clip=replace(WALK.clip, label=GREEN))
    assert planted().scores([torch.from_numpy(WALK.pixels.copy())]).argmax() == RED
    np.testing.assert_array_equal(located(wrong), located(WALK, "the red one"))
    np.testing.assert_array_equal(
        located(wrong, attribution="label"), located(WALK, "the green one")
    )
    np.testing.assert_array_equal(located(WALK, attribution="label"), located(WALK))


def test_the_background_is_the_rest() -> None:
    np.testing.assert_array_equal(located(WALK, "background"), 1 - located(WALK))


def test_the_threshold_says_what_share_of_the_strongest_is_inside() -> None:
    strong = located(WALK)  # soft mask at 0.5 is the share of the strongest
    for threshold in (0.1, 0.3, 0.9):
        inside = located(WALK, threshold=threshold) >= INSIDE
        np.testing.assert_array_equal(inside, strong >= np.float32(threshold))


def test_without_a_coloured_patch_nothing_is_found() -> None:
    blank = painted({}, {})
    for target in ("subject", "background", "the red one"):
        assert not located(blank, target).any()


@pytest.mark.parametrize("pooling", ["mean", "max", "mean_probability"])
def test_every_pooling_has_the_attribution(pooling: Any) -> None:
    locate = soft_masks(RelevanceRegion().locator(lambda: replace(planted(), pooling=pooling)))
    assert places(locate([WALK], "subject")[0]) == [
        [(1, 1), (2, 1), (3, 1)],
        [(1, 3), (2, 3), (3, 3)],
    ]


def test_a_clip_alone_is_the_clip_among_others() -> None:
    others = [painted({GREEN: [(0, 0)]}), painted({RED: [(5, 5)]}, {}, {GREEN: [(1, 1)]})]
    locate = soft_masks(RelevanceRegion().locator(planted))
    together = locate([others[0], WALK, others[1]], "subject")
    small = soft_masks(RelevanceRegion().locator(lambda: replace(planted(), batch_size=1)))
    for clip, found in zip([others[0], WALK, others[1]], together, strict=True):
        np.testing.assert_array_equal(locate([clip], "subject")[0], found)
        np.testing.assert_array_equal(small([clip], "subject")[0], found)


# The settings


def test_only_the_attribution_for_the_true_class_uses_the_label() -> None:
    honest, leaking = RelevanceRegion(), RelevanceRegion(attribution="label")
    targets = ("subject", "background", "a ball")
    assert [leaking.uses_label(target) for target in targets] == [True, True, False]
    assert not any(honest.uses_label(target) for target in targets)
    assert honest.asks_model
    assert not honest.exact
    assert honest.identity(cast(ClipSet, None)) == ""


@pytest.mark.parametrize("target", ["", "  "])
def test_an_empty_text_is_refused(target: str) -> None:
    RelevanceRegion().check("a ball")
    with pytest.raises(ClipHarError, match="feature is empty: region=relevance needs"):
        RelevanceRegion().check(target)


# Scaling


def test_spreading_keeps_order_and_range() -> None:
    attribution = np.random.default_rng(0).exponential(3, (4, 7, 7)).astype(np.float32) + 1
    pixels = spread(attribution, 7)  # one pixel a patch
    np.testing.assert_allclose(
        pixels, attribution / attribution.max(), atol=0.5 / 255 + 1e-6, rtol=0
    )
    wide = spread(attribution, 112)
    assert wide.shape == (4, 112, 112)
    assert 0 < wide.min() < INSIDE < wide.max() <= 1
    np.testing.assert_array_equal(wide, spread(2 * attribution, 112))


def test_the_last_bits_hardly_ever_matter() -> None:
    changed = 0
    for seed in range(20):
        draws = np.random.default_rng(seed)
        attribution = draws.exponential(3, (8, 7, 7)).astype(np.float32)
        shaken = attribution * (1 + 2e-7 * draws.standard_normal(attribution.shape)).astype(
            np.float32
        )
        changed += not np.array_equal(spread(shaken, 112), spread(attribution, 112))
    assert changed <= 1


@pytest.mark.parametrize("level", [0, 3])
def test_attribution_that_is_the_same_everywhere_is_none(level: float) -> None:
    even = np.full((2, 7, 7), level, np.float32)
    even[0, 0, 0] *= 1 + 1e-6
    assert not spread(even, 28).any()


# The tiny CLIP on rendered people


@dataclass(frozen=True)
class RenderedPerson:
    frames: ClipFrames
    prompt: str  # of its class
    person: NDArray[np.bool_]  # (T, S, S)


@pytest.fixture(scope="module")
def rendered() -> list[RenderedPerson]:
    """Clips whose scene does not tell the action, with the exact places of the people."""
    clips = []
    for spec in plan_clips(seed=0, clips=20, scene_bias=0.05, split="test")[::2]:
        clip = render_clip(spec, frames=4, fps=2.0)
        frames = shown(clip.frames.transpose(0, 3, 1, 2).copy())
        prompt = f"a photo of a person doing {spec.action.replace('_', ' ')}."
        clips.append(RenderedPerson(frames, prompt, clip.labels == 1))
    return clips


def on_people(model: DualEncoder, rendered: list[RenderedPerson]) -> tuple[float, float]:
    """Return the attribution on people over their share of the frame, 1 being chance, on average.

    First on the clip's own person, then on the places of the people in other clips: these stand
    where people mostly do.
    """
    region = RelevanceRegion()
    locate = soft_masks(region.locator(lambda: ZeroShot(model, torch.empty(0), "mean", 32)))
    found = np.concatenate(
        [locate([clip.frames], clip.prompt) for clip in rendered]
    )  # (N, T, S, S)
    found /= found.sum(axis=(1, 2, 3), keepdims=True)
    people = np.stack([clip.person / clip.person.mean() for clip in rendered])
    ratios = found.reshape(len(found), -1) @ people.reshape(len(people), -1).T
    own = np.eye(len(rendered), dtype=bool)
    return float(ratios[own].mean()), float(ratios[~own].mean())


def test_the_tiny_clips_attribution_for_an_action_is_the_person(rendered):
    own, others = on_people(TinyCLIP().load(device=CPU, precision="fp32"), rendered)
    assert own > 1.5  # 2.2 when this was written
    assert own > 1.2 * others  # 1.65


@pytest.mark.parametrize("pooling", ["mean", "max"])
@pytest.mark.parametrize("first_layer", [0, -1])
def test_pooling_and_layers_reach_the_method(rendered, pooling, first_layer):
    model, clip = TinyCLIP().load(device=CPU, precision="fp32"), rendered[0]
    frames, text = torch.from_numpy(clip.frames.pixels.copy()), model.encode_texts([clip.prompt])
    settings: dict[str, Any] = {"pooling": pooling, "first_layer": first_layer}
    other = {"mean": "max", "max": "mean"}[pooling]
    theirs, *wrong = (
        spread(attribution(model, [frames], text, **(settings | change)).numpy(), 112)
        for change in ({}, {"pooling": other}, {"first_layer": -1 - first_layer})
    )
    region = RelevanceRegion(first_layer=first_layer, threshold=0.5)
    locate = soft_masks(region.locator(lambda: ZeroShot(model, text, pooling, 32)))
    ours = locate([clip.frames], clip.prompt)[0]
    np.testing.assert_array_equal(ours, theirs)
    assert min(np.abs(ours - mistaken).max() for mistaken in wrong) > 0.01


def test_the_attribution_of_random_weights_is_at_chance(rendered: list[RenderedPerson]) -> None:
    model = TinyCLIP().load(device=CPU, precision="fp32")
    ratios = []
    for seed in range(3):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network: Any = CLIPModel(model.network.config).eval()
        network.requires_grad_(requires_grad=False)
        ratios.append(on_people(replace(model, network=network), rendered)[0])
    assert 0.7 < np.mean(ratios) < 1.3
