"""The cells that a command names: one checkpoint for several models is refused."""

from pathlib import Path

import pytest

from clip_har.config.session import session
from clip_har.core.errors import ClipHarError
from clip_har.sweeps.named_cells import NamedCells, named_cells

CHECKPOINT = "model.checkpoint=/models/x"


def cells(*typed: str) -> NamedCells:
    with session() as hydra:
        first = [word for word in hydra.expand(list(typed))[0] if "checkpoint" not in word]
        return named_cells(hydra.compose(first), typed, hydra.loader)


def test_one_checkpoint_for_several_models_is_refused() -> None:
    with pytest.raises(ClipHarError, match=r"model=tiny,clip would be one model: leave") as caught:
        cells("model=tiny,clip", CHECKPOINT, "masking=none,percent")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "count"),
    [
        (("model=clip", CHECKPOINT, "masking=none,percent"), 2),
        (("model=tiny,clip_vit_b32", "masking=none,percent"), 4),
        (("model=clip", "model.checkpoint=a,b"), 2),
    ],
)
def test_one_model_or_several_checkpoints_are_not(typed: tuple[str, ...], count: int) -> None:
    assert len(cells(*typed).jobs) == count


def test_a_table_may_give_two_models_one_checkpoint(tmp_path: Path) -> None:
    """As a fine-tuned CLIP and its base; but not by a word that holds for all rows."""
    rows = tmp_path / "cells.csv"
    rows.write_text("model,model.checkpoint,masking\nclip,x,none\nopen_vclip,x,none\n")
    words = ("hydra/sweeper=table", f"hydra.sweeper.file={rows}")
    assert len(cells(*words).jobs) == 2
    rows.write_text("model,masking\nclip,none\ntiny,none\n")
    with pytest.raises(ClipHarError, match="would be one model"):
        cells(*words, CHECKPOINT)
