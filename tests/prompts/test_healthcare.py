"""The prompts for the data sets of falls and surgery know every class, and tell them apart."""

import pytest

from clip_har.config.compose import build
from clip_har.core.errors import ClipHarError
from clip_har.data.sources import cholec80, jigsaws, omnifall
from clip_har.prompts.prompt_set import PromptSet
from tests.config.test_cell import composed

CLASSES = {
    "omnifall": omnifall.CLASSES,
    "cholec80": cholec80.PHASES,
    "jigsaws": tuple(jigsaws.GESTURES.values()),
}
BY_PATTERN = ("urfall", "gmdcsa24")


@pytest.mark.parametrize("option", ["plain", "clinical"])
def test_each_class_has_a_text_of_its_own(option):
    prompts = build(composed(f"prompts={option}").prompts, "prompts")
    assert isinstance(prompts, PromptSet)
    assert isinstance(prompts.class_names, dict)
    given = set(prompts.class_names)
    patterns = [
        tuple(composed(f"dataset={name}", "dataset.root=x").dataset.classes.values())
        for name in BY_PATTERN
    ]
    ntu = composed("dataset=ntu120", "dataset.root=x").dataset.classes
    medical = tuple(ntu[number] for number in (*range(41, 50), *range(103, 106)))
    for classes in (*CLASSES.values(), *patterns, medical):
        texts = prompts.texts(classes)
        assert len({text for (text,) in texts}) == len(classes)
        given -= set(classes)
    assert not given, "entries that no data set has"
    with pytest.raises(ClipHarError, match="no name for 1 of the 2 classes, such as wave"):
        prompts.texts(("fall", "wave"))
