"""The fingerprint of a cell: a digest of all that can change a result beyond rounding."""

import hashlib
import json
from typing import Any

from clip_har.config.cell import GROUPS, Cell
from clip_har.core.code_version import code_of
from clip_har.core.settings import Role
from clip_har.data.clips import ClipSet
from clip_har.models.checkpoint import weights_digest
from clip_har.noise.learned.identity import learned_from

_EVALUATION = "clip_har.engine.evaluate"


def fingerprint(cell: Cell, clips: ClipSet) -> str:
    """Return a cell's fingerprint, 32 hexadecimal digits.

    It covers each key that has the role `Role.RESULT`, and the code that evaluates: the engine and
    the cell's own options, with all that they import (the masks that noise can be learned under
    are among them); not metrics, figures, reports, or options that the cell does not use. Clips,
    weights, prompts and noise that is read count by their content, not by their place. Keys of
    other roles count through the option that uses them, or not at all: ``masking=none`` is one
    cell under every ``ratio``.
    """
    names = sorted(Cell.fields_for(Role.RESULT) - {"limit"})  # in the clips' digest
    options = {name: getattr(cell, name) for name in names if name in (*GROUPS, "frames")}
    parts: dict[str, Any] = {name: getattr(cell, name) for name in names if name not in options}
    parts |= {name: one.described(without={Role.RUN}) for name, one in options.items()}
    parts |= {
        "dataset": clips.digest,
        "model": {"weights": weights_digest(cell.model.folder()), "pooling": cell.model.pooling},
        "prompts": cell.prompts.texts(clips.class_names),
        "region": [parts["region"], cell.region.identity(clips)],
        "noise": [parts["noise"], learned_from(cell)],
        "attention_clips": cell.attention_clips if cell.region.finds_regions else 0,
        "code": code_of(_EVALUATION, *(type(option).__module__ for option in _options(cell))),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _options(cell: Cell) -> tuple[object, ...]:
    """Return the options whose code can change a result."""
    return (cell.dataset, cell.model, cell.prompts, cell.masking, cell.region, cell.noise)
