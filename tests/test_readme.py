"""What the README shows works as it is written there."""

import re
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray
from omegaconf import OmegaConf
from pydantic import Field

from clip_har.masking.area import Canvas
from clip_har.masking.fill import Fill
from clip_har.masking.mask import Mask, clip_mask
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    found = re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)
    assert len(found) == 1
    return str(found[0])


def test_the_example_mask_hides_the_exact_area() -> None:
    names = {
        "Annotated": Annotated, "Canvas": Canvas, "ClassVar": ClassVar, "Field": Field,
        "Fill": Fill, "NDArray": NDArray, "Mask": Mask, "np": np,
    }  # fmt: skip
    exec(block("python"), names)  # the README's own code
    content = dict(OmegaConf.to_container(OmegaConf.create(block("yaml")), resolve=False))  # type: ignore[arg-type]
    target = content.pop("_target_")
    checker = names[target.rpartition(".")[2]](**(content | {"ratio": 0.5, "fill": "black"}))  # type: ignore[operator]
    mask = clip_mask(checker, Canvas(clip_id="a", seed=0, frames=2, height=56, width=56))
    assert mask.sum() == 56 * 56 / 2
    assert mask[0, 0, 0]
    assert not mask[0, 0, 30]


def test_it_is_short_and_its_pictures_are_there() -> None:
    assert len(README.splitlines()) < 200
    for path in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (REPOSITORY / path).is_file()
