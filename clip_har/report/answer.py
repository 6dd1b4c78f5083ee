"""The answer of a report in a few sentences, from its numbers alone."""

import pandas as pd

_ALPHA = 0.05


def answer(rows: pd.DataFrame, scene: pd.DataFrame, *, classes: int) -> list[str]:
    """Return what the cells say, the most important first.

    Cells that use the true label are left out: they answer another question.

    Args:
        rows: see `clip_har.report.statistics.cell_rows`.
        scene: measures over several cells, columns ``measure, of, value, low, high``.
        classes: their number.
    """
    honest = rows[~rows["leaks"]]
    found = _scene(scene)  # the question itself, where cells were shown that answer it
    compared = honest[honest["top1_change"].notna()]
    if len(compared):
        clean = compared["top1_clean"]
        found.append(
            f"Without mask and noise {_share(clean.iloc[0])} of the clips are answered rightly"
            + f" ({_share(clean.min())} to {_share(clean.max())} over settings)" * _several(clean)
            + f"; chance is {_share(1 / classes)}."
        )
        found.append(_worst(compared))
        found.append(_significance(compared))
    elif len(honest):
        best = honest.sort_values("top1").iloc[-1]
        found.append(
            f"{_share(best['top1'])} of {best['clips']} clips are answered rightly"
            f" ({_share(best['top1_low'])} to {_share(best['top1_high'])}); chance is"
            f" {_share(1 / classes)}."
        )
    if not len(honest):
        found.append("Every cell uses the true label: there is no result to report.")
    return [sentence for sentence in found if sentence]


def _worst(compared: pd.DataFrame) -> str:
    worst = compared.sort_values("top1_change").iloc[0]
    best = compared.sort_values("top1_change").iloc[-1]
    text = (
        f"{worst['cell']} costs most: {_points(worst['top1_change'])} points"
        f" ({_points(worst['top1_change_low'])} to {_points(worst['top1_change_high'])}),"
        f" which leaves {_share(worst['top1'])}"
    )
    if len(compared) > 1:
        text += f"; {best['cell']} costs least: {_points(best['top1_change'])} points"
    return text + "."


def _significance(compared: pd.DataFrame) -> str:
    certain = int((compared["mcnemar_p_holm"] < _ALPHA).sum())
    beyond = (compared["top1_change_low"] > 0) | (compared["top1_change_high"] < 0)
    return (
        f"Of {len(compared)} cells {certain} differ from their clean twin by the exact McNemar test"
        f" at 5 % after Holm's correction, and {int(beyond.sum())} by the interval over groups."
    )


def _scene(scene: pd.DataFrame) -> list[str]:
    if not len(scene) or scene["of"].nunique() > 1:
        return []  # of several settings there is no one answer
    value = dict(zip(scene["measure"], scene["value"].astype(float), strict=True))
    found = []
    if {"scene/background_only", "scene/clean"} <= value.keys():
        found.append(
            "With the subject hidden it still answers"
            f" {_share(value['scene/background_only'])} rightly, where whole clips"
            f" reach {_share(value['scene/clean'])}: so much the room tells."
        )
    if {"scene/swap_accuracy", "scene/swap_error"} <= value.keys():
        found.append(
            "Shown before another class's background the subject is named in"
            f" {_share(value['scene/swap_accuracy'])} of the clips, the background's"
            f" class in {_share(value['scene/swap_error'])}."
        )
    return found


def _several(values: pd.Series) -> bool:
    return bool(values.max() - values.min() > 5e-4)


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _points(value: float) -> str:
    return f"{100 * value:+.1f}".replace("-", "−")
