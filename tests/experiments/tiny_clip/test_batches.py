import numpy as np
import pytest
import torch

from clip_har.core.seeding import generator
from clip_har.synthetic import SCENES, scene_phrase
from experiments.tiny_clip.batches import batches, occlude
from experiments.tiny_clip.captions import (
    ANY,
    OBJECTS,
    STUDIO,
    CaptionShares,
    Facts,
    clip_facts,
    matches,
    sample_caption,
)
from experiments.tiny_clip.recipe import Recipe
from experiments.tiny_clip.rendered import CLASS_NAMES

TEMPLATES = ["a photo of a person doing {}."]
PLAIN = {"occlusion": 0.0, "studio_first": 0.0, "studio_last": 0.0}


def made(clips, recipe):
    return list(batches(clips, TEMPLATES, recipe, shares=CaptionShares()))


def test_the_same_recipe_draws_the_same_batches(few_clips):
    recipe = Recipe(steps=2, batch=8, frames=2)
    first, second = made(few_clips, recipe), made(few_clips, recipe)
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one.pixels, other.pixels)
        assert one.captions == other.captions
    other = made(few_clips, recipe.model_copy(update={"seed": 1}))
    assert not torch.equal(first[0].pixels, other[0].pixels)


def test_a_batch_has_the_shapes_that_it_says(few_clips):
    batch = made(few_clips, Recipe(steps=1, batch=8, frames=2))[0]
    assert batch.pixels.shape == (16, 3, 112, 112)
    assert batch.cells.shape == (16, 49, 16, 3)
    assert len(batch.captions) == 8 + len(CLASS_NAMES)
    assert batch.match.shape == (8, len(batch.captions))
    assert batch.match.diagonal().all()  # each clip's own caption
    assert (batch.match[:, 8:].sum(dim=1) == 1).all()  # and the prompt of its class


def test_every_clip_comes_once_before_any_comes_again(few_clips):
    recipe = Recipe(steps=5, batch=8, **PLAIN)
    labels = [
        int(row) for batch in made(few_clips, recipe) for row in batch.match[:, 8:].int().argmax(1)
    ]
    assert np.bincount(labels).tolist() == [2] * len(CLASS_NAMES)


def test_before_a_plain_wall_the_scene_is_gone_and_the_person_stays(few_clips):
    plain = made(few_clips, Recipe(steps=1, batch=8, **{**PLAIN, "studio_first": 1.0}))[0]
    full = made(few_clips, Recipe(steps=1, batch=8, **PLAIN))[0]
    assert torch.equal(plain.cells, full.cells)
    person = plain.cells[..., 1].mean(dim=-1) > 0.999  # (M, P) patches
    empty = plain.cells[..., 0].mean(dim=-1) > 0.999
    patches = [
        pixels.pixels.unfold(2, 16, 16).unfold(3, 16, 16).permute(0, 2, 3, 1, 4, 5).flatten(1, 2)
        for pixels in (plain, full)
    ]
    assert torch.equal(patches[0][person], patches[1][person])
    assert float(patches[0][empty].flatten(2).std(dim=2).max()) < 1e-4  # each channel even


@pytest.mark.parametrize("most", [0.2, 0.6])
def test_occlusion_paints_black_up_to_its_share(most):
    frames = torch.full((200, 2, 3, 112, 112), 200, dtype=torch.uint8)
    recipe = Recipe(occlusion=1.0, occlusion_most=most)
    hidden = occlude(frames, recipe, generator(0, "test", "occlude")) == 0
    assert torch.equal(hidden[:, 0], hidden[:, 1])  # still over the clip
    shares = hidden[:, 0, 0].float().mean(dim=(1, 2))
    assert float(shares.mean()) == pytest.approx(most / 2, abs=0.04)
    assert float(shares.max()) < most + 0.25
    none = occlude(frames, Recipe(occlusion=0.0), generator(0, "test", "occlude"))
    assert torch.equal(none, frames)


def test_captions_say_what_their_facts_say():
    rng = generator(0, "test", "captions")
    facts = clip_facts(CLASS_NAMES.index("drinking"), SCENES.index("beach"))
    kinds = set()
    for _ in range(300):
        text, said = sample_caption(facts, TEMPLATES, CaptionShares(), rng)
        assert ("drinking" in text) == (said.action != ANY)
        assert ("beach" in text) == (said.scene != ANY)
        assert said.action != ANY or ("cup" in text) == (said.object != ANY)
        assert matches([facts], [said]).all()
        kinds.add(said)
    assert kinds == {
        Facts(facts.action),
        Facts(facts.action, facts.scene),
        Facts(scene=facts.scene),
        Facts(object=OBJECTS.index("cup")),
    }


def test_captions_never_name_a_scene_that_is_not_shown(few_clips):
    plain = Recipe(steps=8, batch=16, studio_first=1.0, studio_last=1.0)
    texts = " ".join(text for batch in made(few_clips, plain) for text in batch.captions)
    assert "plain wall" in texts
    assert not [scene for scene in SCENES if scene_phrase(scene) in texts]


def test_a_studio_clip_is_in_no_scene():
    assert not matches([clip_facts(0, STUDIO)], [Facts(scene=k) for k in range(STUDIO)]).any()
