"""Made sweeps of several models on the same clips."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from clip_har.core.background import AtOnce
from clip_har.core.checksum import write_manifest
from clip_har.figures.save import save_chart, save_whole
from clip_har.results.files import COST, METRICS_CODE, write_json
from clip_har.results.result import metrics_code
from clip_har.results.score_table import ScoreTable
from tests.report.made import made_cell, made_sweep, table

MASKS = ("percent r=0.1", "percent r=0.3", "shape r=0.1", "shape r=0.3")


def answers(accuracy: float, *, ratio: float = 0.0, seed: int = 0, clips: int = 160) -> ScoreTable:
    """Return answers to the same clips, a share of which is right."""
    return table(accuracy, seed=seed, ratio=ratio, clips=clips)


def made_models(
    results: Path,
    models: Mapping[str, tuple[float, float]],
    *,
    masks: Sequence[str] = MASKS,
    milliseconds: Mapping[str, float] | None = None,
    without: Mapping[str, Sequence[str]] | None = None,
    leaking: Sequence[str] = (),
    options: Mapping[str, str] | None = None,
    clips: int = 160,
) -> Path:
    """Write a sweep of several models; each answers the same clips under the same masks.

    Args:
        results: the results folder.
        models: by name the accuracy of the unchanged clips, and what hiding all would cost.
        masks: such as ``percent r=0.1``.
        milliseconds: of a clip, by model.
        without: masks that a model does not have, by its name.
        leaking: the masks that use the true label.
        options: of the group ``model`` by model; ``clip`` if it is not there.
        clips: their number.
    """
    cells: dict[str, Path | str] = {}
    for number, (model, (accuracy, falls)) in enumerate(models.items()):
        clean = answers(accuracy, seed=number, clips=clips)
        own = (f"model={(options or {}).get(model, 'clip')}", f"model.checkpoint={model}")
        protocol: dict[str, Any] = {"data_digest": "d" * 64, "weights_digest": str(number) * 64}
        more: dict[str, Any] = {"clean_twin": f"none_model.checkpoint={model}", **protocol}
        for mask in ("none", *masks):
            if mask in (without or {}).get(model, ()):
                continue
            words = mask.split()
            name = f"{mask} model.checkpoint={model}"
            ratio = float(words[1].split("=")[1]) if len(words) > 1 else 0.0
            overrides = [f"masking={words[0]}", *own]
            overrides += [f"ratio={ratio}"] if ratio else []
            seed = number + (0 if mask == "none" else 100 * (1 + masks.index(mask)))
            found = answers(accuracy - falls * ratio, seed=seed, ratio=ratio, clips=clips)
            if mask == "none":
                folder = made_cell(results, name, clean, *overrides, **protocol, parameters=10**7)
            else:
                folder = made_cell(
                    results, name, found, *overrides, clean=clean, leaks=mask in leaking, **more
                )
            cells[name] = folder
            if milliseconds is not None:
                _timed(folder, milliseconds[model], clips)
    return made_sweep(results, cells)


def _timed(folder: Path, milliseconds: float, clips: int) -> None:
    seconds = milliseconds * clips / 1000
    cost = {
        "cost/seconds": 3 * seconds,
        "cost/mask_seconds": seconds,
        "cost/model_seconds": seconds,
        "cost/clips_per_second": clips / (2 * seconds),
        "cost/frames_per_second": 8 * clips / (2 * seconds),
    }
    write_json(folder / COST, cost)
    environment = {"device": "cpu", "torch_threads": 2, "processors": 2}
    write_json(folder / "environment.json", environment)
    write_manifest(folder, {METRICS_CODE: metrics_code()})


class Noted(AtOnce):
    """Notes the figures that another process would draw, and calls everything else."""

    def __init__(self) -> None:
        super().__init__()
        self.files: set[str] = set()

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> "Future[Any]":
        """What is sent to a process must be possible to pickle."""
        assert pickle.dumps((function, arguments))
        if function not in (save_chart, save_whole):
            return super().run(function, *arguments, **named)
        self.files |= {path.name for path in arguments[1:]}
        drawn: Future[str] = Future()
        drawn.set_result("<svg></svg>")
        return drawn
