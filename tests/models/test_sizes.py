"""The table of sizes is what the networks are."""

from math import prod

import pytest
from safetensors import safe_open

from clip_har.models.checkpoint import image_size
from clip_har.models.open_clip.library import tags
from clip_har.models.open_clip.listing import built_shape
from clip_har.models.sizes import known_sizes
from clip_har.synthetic.tiny_clip import CHECKPOINT


def test_the_packaged_model_has_the_size_that_the_table_says() -> None:
    known = known_sizes()["tiny"]
    with safe_open(CHECKPOINT / "model.safetensors", "np") as file:
        weights = sum(prod(file.get_slice(name).get_shape()) for name in list(file.keys()))
    assert (known.image_size, known.parameters) == (image_size(CHECKPOINT), weights)


def test_every_architecture_of_open_clip_is_in_the_table() -> None:
    """Else the list takes a second for each that is not."""
    assert {tag.architecture for tag in tags()} <= known_sizes().keys()


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16-SigLIP", "RN50", "MobileCLIP2-S0"])
def test_the_table_says_what_the_library_builds(name: str) -> None:
    known = known_sizes()[name]
    assert built_shape(name) == (known.parameters, known.class_token)


@pytest.mark.long
def test_the_whole_table_says_what_the_library_builds() -> None:
    known = known_sizes()
    for name in sorted({tag.architecture for tag in tags()}):
        assert built_shape(name) == (known[name].parameters, known[name].class_token), name
