import shutil

import pytest

from clip_har.synthetic.tiny_clip import CHECKPOINT
from experiments.tiny_clip.card import NAMES, model_card
from experiments.tiny_clip.folder import Score, read_recipe, read_scores, save_recipe, save_scores
from experiments.tiny_clip.recipe import Recipe
from experiments.tiny_clip.summarise import sections


@pytest.fixture
def folders(tmp_path):
    """Three runs: the default recipe, another seed, and one without the map loss."""
    recipes = [Recipe(), Recipe(seed=7), Recipe(map_weight=0.0)]
    for number, recipe in enumerate(recipes):
        folder = tmp_path / str(number)
        folder.mkdir()
        save_recipe(recipe, 12.34, folder)
        scores = [
            Score(split, name, 100, 0.5 + number / 10, 0.4, 0.9)
            for split in ("val", "test")
            for name in NAMES
        ]
        save_scores(scores, folder)
    return [tmp_path / str(number) for number in range(3)]


def test_recipe_and_scores_come_back_as_they_went(folders):
    assert read_recipe(folders[2]) == (Recipe(map_weight=0.0), 12.3)
    assert read_scores(folders[1])["test", "gap"] == Score("test", "gap", 100, 0.6, 0.4, 0.9)


def test_other_runs_are_named_by_what_differs(folders):
    text = sections(folders[0], folders[1:2], [folders[0], folders[2]])
    seeds, ablation = text.split("## Ablation")
    assert "| 0 | 0.500 |" in seeds
    assert "| 7 | 0.600 |" in seeds
    assert "| none | 0.500 |" in ablation
    assert "| `recipe.map_weight=0.0` | 0.700 |" in ablation


def test_without_other_runs_there_are_no_sections(folders):
    assert sections(folders[0], [], []) == ""


def test_the_card_says_how_to_make_the_model_again(tmp_path):
    folder = tmp_path / "tiny"
    shutil.copytree(CHECKPOINT, folder)
    save_recipe(Recipe(seed=3, steps=99), 5.0, folder)
    card = model_card(folder, tables="\n## Further\n")
    assert "python -m experiments.tiny_clip.train recipe.seed=3 recipe.steps=99`" in card
    assert "## Further" in card
