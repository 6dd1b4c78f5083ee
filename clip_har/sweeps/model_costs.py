"""What a model costs: the time of its forward passes on this machine, and its size."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np

from clip_har.core.wording import plural
from clip_har.results.files import read_json
from clip_har.results.result import Result

_MACHINE = ("device", "accelerator", "platform", "processors", "torch_threads")


@dataclass(frozen=True)
class ModelCost:
    """The cost of one model; NaN for what is not known.

    Attributes:
        seconds: of the forward passes of a clip, median over the cells: with the number of frames
            that the model reads, without decoding and masks.
        least: of the fastest cell.
        most: of the slowest cell.
        frames_per_second: through the forward passes, median over the cells.
        parameters: number of weights, of pictures and texts.
        machines: that its cells ran on, see `machines_of`.
    """

    seconds: float
    least: float
    most: float
    frames_per_second: float
    parameters: float
    machines: Sequence[str] = ()


UNKNOWN_COST = ModelCost(np.nan, np.nan, np.nan, np.nan, np.nan)


def cost_of(cells: Iterable[Result]) -> ModelCost:
    """Return the cost of a model from its cells, without those of learned noise.

    Args:
        cells: of one model.
    """
    cells = list(cells)
    seconds, speeds, parameters, machines = [], [], np.nan, machines_of(cells)
    for one in cells:
        parameters = float(one.protocol.get("parameters") or parameters)
        cost = one.cost
        passing = cost.get("cost/mask_seconds", 0.0) + cost.get("cost/model_seconds", 0.0)
        clips = passing * cost.get("cost/clips_per_second", 0.0)  # none with learned noise
        if clips > 0 and (model := cost.get("cost/model_seconds", 0.0)) > 0:
            seconds.append(model / clips)
            speeds.append(passing * cost["cost/frames_per_second"] / model)
    if not seconds:
        return replace(UNKNOWN_COST, parameters=parameters, machines=machines)
    return ModelCost(
        median(seconds), min(seconds), max(seconds), median(speeds), parameters, machines
    )


def machines_of(cells: Iterable[Result]) -> list[str]:
    """Return the kinds of machine that some cells ran on, and how they ran there.

    Device, threads of a processor, runtime, precision, and frames in one forward pass: each of them
    changes the time of a model, but a result that exists is used again under another runtime or
    batch size.

    Args:
        cells: of any models.
    """
    found: dict[str, str] = {}
    for one in cells:
        environment = read_json(one.folder / "environment.json")
        cell = one.cell
        batch = cell.batch_for(environment.get("device") or "cpu")
        how = f"{cell.model.runtime}, {cell.precision}, batches of {batch} frames"
        own = {key: environment.get(key) for key in _MACHINE} | {"how": how}
        device = own["accelerator"] or own["device"] or "an unknown device"
        many = own["torch_threads"]
        threads = (
            f", {plural(many, 'thread')} of {own['processors']}"
            if own["device"] == "cpu" and many
            else ""
        )
        found.setdefault(json.dumps(own), f"{device}{threads}, {how}")
    return list(found.values())
