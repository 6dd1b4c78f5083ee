"""What makes two cells the same: a digest of what can change a result beyond rounding."""

import hashlib
import json
from typing import Any

from clip_har.config.cell import Cell
from clip_har.core.code_version import code_of
from clip_har.data.clips import ClipSet
from clip_har.data.sampling import HANDLING
from clip_har.models.checkpoint import weights_digest
from clip_har.noise.learned.identity import learned_from
from clip_har.regions.none import NoRegion

_EVALUATION = "clip_har.engine.evaluate"


def fingerprint(cell: Cell, clips: ClipSet) -> str:
    """Return a cell's fingerprint, 32 hexadecimal digits.

    It covers the clips (by their digest, not their place), frames, weights, pooling, the prompts'
    texts, mask, region (with its weights or map files), noise (with the clips or the file that it
    comes from), seed, precision, and the code that evaluates: the engine and the cell's own
    options, with all that they import. Not covered are other options, metrics, figures, reports,
    paths, tracking, and what changes scores by rounding only: device, batch size, threads.
    ``ratio``, ``fill`` and ``feature`` count through the mask that uses them, so that
    ``masking=none`` is one cell under all of them.
    """
    parts: dict[str, Any] = {
        "clips": clips.digest,
        "frames": cell.frames.model_dump(mode="json", exclude=HANDLING),
        "model": {"weights": weights_digest(cell.model.folder()), "pooling": cell.model.pooling},
        "prompts": cell.prompts.texts(clips.class_names),
        "masking": _described(cell.masking),
        "region": [_described(cell.region), cell.region.identity(clips)],
        # Of noise that is read the content counts, not the place.
        "noise": [_described(cell.noise, exclude={"file"}), learned_from(cell)],
        "attention_clips": 0 if isinstance(cell.region, NoRegion) else cell.attention_clips,
        "seed": cell.seed,
        "precision": cell.precision,
        "code": code_of(_EVALUATION, *(type(option).__module__ for option in _options(cell))),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _options(cell: Cell) -> tuple[object, ...]:
    """Return the options whose code shapes a result."""
    return (cell.dataset, cell.model, cell.prompts, cell.masking, cell.region, cell.noise)


def _described(settings: Any, exclude: set[str] | None = None) -> dict[str, Any]:
    return {"kind": type(settings).__name__, **settings.model_dump(mode="json", exclude=exclude)}
