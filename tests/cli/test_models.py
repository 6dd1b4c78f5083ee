"""The command that lists models."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from clip_har.cli.models import main
from clip_har.core.errors import ClipHarError


def printed(capsys: pytest.CaptureFixture[str], words: Sequence[str]) -> Any:
    main([*words, "--json"])
    return json.loads(capsys.readouterr().out)


def test_a_tag_with_an_option_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = printed(capsys, ["LAION_b32", "laion2b"])
    assert found == {
        "checkpoint": "ViT-B-32/laion2b_s34b_b79k",
        "option": "open_clip_laion_b32",
        "image_size": 224,
        "parameters": 151_277_313,
        "licence": "MIT",
        "gradients": True,
        "learned_noise": True,
        "attribution": True,
        "repository": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
    }


def test_options_of_transformers_and_other_tags_are_listed_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (found,) = printed(capsys, ["xclip_b32"])
    assert (found["image_size"], found["parameters"]) == (224, 196_585_729)
    assert (found["option"], found["learned_noise"], found["attribution"]) == (
        "xclip_b32", False, False,
    )  # fmt: skip
    (other,) = printed(capsys, ["ViT-B-16-SigLIP-512"])
    assert (other["option"], other["image_size"], other["attribution"]) == ("open_clip", 512, False)
    main(["ViT-B-16-SigLIP-512"])
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "webli" in line]
    assert row.split() == ["ViT-B-16-SigLIP-512/webli", "open_clip", "512", "204", "M",
                           "Apache-2.0", "yes", "yes", "no"]  # fmt: skip


def test_options_with_a_checkpoint_of_ones_own_come_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["naflex"])
    table, own = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert "siglip2_naflex_b16" in table
    assert "375 M" in table
    assert "Apache-2.0" in table
    assert own.startswith("model=naflex: ")
    assert printed(capsys, ["pe_video"]) == []


def test_no_such_model_is_one_line() -> None:
    with pytest.raises(ClipHarError, match=r"no model has no-such-model in its name"):
        main(["no-such-model"])
