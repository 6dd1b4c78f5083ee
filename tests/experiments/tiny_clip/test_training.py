import numpy as np
import torch

from clip_har.prompts.prompt_set import PromptSet
from experiments.tiny_clip.evaluation import Measured, measure
from experiments.tiny_clip.recipe import Recipe
from experiments.tiny_clip.training import train

TEMPLATES = ["a photo of a person doing {}."]


def losses_of(clips, **settings):
    recipe = Recipe(steps=12, batch=16, warmup=0.2, occlusion=0.0, **settings)
    seen = []
    model = train(recipe, clips, TEMPLATES, report=lambda _, losses, __: seen.append(losses))
    return model, seen


def test_a_few_steps_make_the_losses_fall(few_clips):
    model, seen = losses_of(few_clips)
    for name in ("contrastive", "map"):
        first, last = (np.mean([row[name] for row in rows]) for rows in (seen[:3], seen[-3:]))
        assert last < 0.97 * first, name
    assert not model.network.training


def test_training_repeats_to_the_bit(few_clips):
    first, second = (losses_of(few_clips, seed=3)[0].network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_measures_are_shares_of_their_own_clips(few_clips):
    model, _ = losses_of(few_clips)
    prompts = PromptSet(templates=TEMPLATES)
    found = measure(model, biased=few_clips, unbiased=few_clips, prompts=prompts, ratios=(1.0,))
    away = sum(not spec.biased for spec in few_clips.specs)
    assert {name: len(hits) for name, hits in found.hits.items()} == {
        "biased": 40,
        "unbiased": 40,
        "sberr": away,
        "masked_1.0": 40,
    }
    assert found.scores()["gap"] == 0
    assert found.hits["masked_1.0"].sum() == 2  # all black: one class, two clips of it


def test_intervals_are_as_wide_as_the_subjects_differ():
    groups = np.repeat([f"test-{k:03d}" for k in range(10)], 30)
    even = np.arange(300) % 7 > 2
    whole = np.repeat(np.arange(10) % 2 == 0, 30)  # a subject is right always or never
    for hits, width in ((even, 0.0), (whole, 0.6)):
        found = Measured(
            {"biased": hits, "unbiased": ~hits, "sberr": hits},
            dict.fromkeys(("biased", "unbiased", "sberr"), groups),
        ).intervals()
        low, high = found["biased"]
        assert low <= hits.mean() <= high
        assert abs(high - low - width) < 0.11
        # The gap comes from the same samples of subjects: it is 2 * biased - 1.
        assert np.isclose(np.mean(found["gap"]), 2 * hits.mean() - 1)
        assert np.isclose(np.ptp(found["gap"]), 2 * (high - low), rtol=0.25)
