"""Saved views of the MLflow UI: which columns, charts and pictures an experiment shows.

MLflow 3.15 and later keep a view as a tag of its experiment, ``mlflow.sharedViewState.<id>``, which
the menu *Views* lists. The format is not documented: it is what the UI of 3.17 writes itself. It
orders the numbers of a run, so they need no names that sort well: what a view names comes first,
all others follow in sections by prefix. Where the format is another one, the menu is empty.
"""

import base64
import json
import time
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from clip_har.core.prefixes import PICTURES
from clip_har.tracking.tracker import OVER_RATIO

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TAG = "mlflow.sharedViewState."
_COMPRESSED = "deflate;"
_SINCE = (3, 15)
_LIMIT = 20_000  # characters of an experiment's tag, MLflow's own limit
_LINES = 40  # in a chart; more are unreadable

SWEEPS, CELLS = "clip_har_sweeps", "clip_har_cells"
"""The ids of the two views."""

_TITLES = {
    SWEEPS: "Sweeps: accuracy over the hidden share",
    CELLS: "Cells: numbers and pictures",
}
_FRONT = ("top1", "top1_change", "confidence", "ece", "flip_rate")
_COLUMNS = {
    CELLS: [
        *(f"metrics.`{name}`" for name in ("top1", "top1_change")),
        *(f"metrics.`top1_change_{end}`" for end in ("low", "high")),
        *(f"metrics.`{name}`" for name in _FRONT[2:]),
        *(f"params.`{name}`" for name in ("masking", "ratio", "model", "dataset")),
    ],
    SWEEPS: [
        "metrics.`robustness/mean_change`",
        *(f"params.`{name}`" for name in ("model", "dataset", "prompts", "frames.sampler")),
        *(f"params.`swept.{name}`" for name in ("masking", "ratio", "model")),
    ],
}
_CURVES = {
    "top1": "Top-1 over the hidden share, %",
    "confidence": "Confidence over the hidden share, %",
    "ece": "ECE over the hidden share, %",
}


def view_address(base: str, experiment: str, view: str = SWEEPS) -> str:
    """Return the address of a view.

    Args:
        base: address of the server.
        experiment: id of the experiment.
        view: id of the view.

    Example:
        >>> view_address("http://127.0.0.1:5000", "1").partition("?")[0]
        'http://127.0.0.1:5000/#/experiments/1/runs'
    """
    shown = f"viewStateShareKey={view}&compareRunsMode=CHART&workflowType=machine_learning"
    return f"{base}/#/experiments/{experiment}/runs?{shown}"


def save_views(client: "MlflowClient", experiment: str, curves: Iterable[str] = ()) -> None:
    """Write the views of an experiment, or add curves to them; do nothing if MLflow is too old.

    Args:
        client: of the store.
        experiment: its id.
        curves: names of curves that the view of the sweeps shows; it keeps those that it has.
    """
    from mlflow.exceptions import MlflowException
    from mlflow.version import VERSION

    if tuple(int(part) for part in VERSION.split(".")[:2]) < _SINCE:
        return
    with suppress(MlflowException):  # a convenience: no result may be lost with it
        tags = client.get_experiment(experiment).tags
        for view in (SWEEPS, CELLS):
            former = _opened(tags.get(_TAG + view))
            shown = list(dict.fromkeys([*_shown(former["state"] if former else {}), *curves]))
            state = _state(view, shown)
            if former is not None and former["state"] == state:
                continue
            now = int(time.time() * 1000)
            made = former["createdAt"] if former else now
            text = _packed(_TITLES[view], state, made=made, changed=now)
            if len(text) <= _LIMIT:
                client.set_experiment_tag(experiment, _TAG + view, text)


def _packed(name: str, state: Mapping[str, Any], *, made: int, changed: int) -> str:
    packed = base64.b64encode(zlib.compress(json.dumps(state).encode())).decode()
    view = {"name": name, "createdAt": made, "updatedAt": changed, "state": _COMPRESSED + packed}
    return json.dumps(view)


def _opened(text: str | None) -> dict[str, Any] | None:
    """Return a view with its state; None if there is none, or in another format."""
    try:
        view = json.loads(text or "")
        state = zlib.decompress(base64.b64decode(view["state"].removeprefix(_COMPRESSED)))
        return {**view, "createdAt": int(view["createdAt"]), "state": json.loads(state)}
    except (ValueError, KeyError, TypeError, AttributeError, zlib.error):
        return None


def _shown(state: Mapping[str, Any]) -> list[str]:
    """Return the curves that a view shows."""
    charts = state.get("compareRunCharts") or []
    return [key for chart in charts for key in chart.get("selectedMetricKeys") or []]


def _state(view: str, curves: Collection[str]) -> dict[str, Any]:
    kind = {SWEEPS: "sweep", CELLS: "cell"}[view]
    charts, sections = _of_sweeps(curves) if view == SWEEPS else _of_cells()
    return {
        "searchFilter": f"tags.`clip_har.kind` = '{kind}'",
        # Ordered by the start, cells would be folded into their sweeps.
        "orderByKey": "attributes.`end_time`" if view == CELLS else "attributes.start_time",
        "orderByAsc": False,
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": _COLUMNS[view],
        "columnOrder": _COLUMNS[view],
        "columnWidths": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "compareRunCharts": charts,
        "compareRunSections": sections,
        "viewMaximized": False,
        "runListHidden": False,
        "isAccordionReordered": True,  # else the sections would be sorted by name
        "useGroupedValuesInCharts": True,
        "hideEmptyCharts": True,
        "groupBy": None,
        "groupsExpanded": {},
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }


_Shown = tuple[list[dict[str, Any]], list[dict[str, Any]]]
"""Charts and their sections."""


def _of_sweeps(curves: Collection[str]) -> _Shown:
    charts = []
    for measure, title in _CURVES.items():
        keys = [name for name in curves if name.startswith(measure + OVER_RATIO)][-_LINES:]
        if keys:
            charts.append(_line(title, keys, "over the hidden share"))
    charts += [_image(key, PICTURES[:-1]) for key in ("accuracy over ratio", "mask gallery")]
    # One chart of a curve alone for each mask: there, but closed.
    closed = [f"{measure}{OVER_RATIO}"[:-1] for measure in _CURVES]
    return charts, _sections(["over the hidden share", PICTURES[:-1]], closed)


def _of_cells() -> _Shown:
    charts = [_bar(name, "what each mask costs") for name in _FRONT]
    charts.insert(1, _over_ratio("top1", "what each mask costs"))
    charts += [_image(key, PICTURES[:-1]) for key in ("masked clips", "confusion")]
    return charts, _sections(["what each mask costs", PICTURES[:-1]], [])


def _sections(opened: Sequence[str], closed: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "uuid": f"clip_har {name}",
            "name": name,
            "display": name in opened,
            "isReordered": True,
            "deleted": False,
            "isGenerated": False,
        }
        for name in (*opened, *closed)
    ]


def _chart(kind: str, title: str | None, section: str, **more: Any) -> dict[str, Any]:
    return {
        "uuid": f"clip_har {kind} {title or more}",
        "type": kind,
        "runsCountToCompare": 20,
        "metricSectionId": f"clip_har {section}",
        "deleted": False,
        "isGenerated": False,
        **({} if title is None else {"displayName": title}),
        **more,
    }


def _line(title: str, keys: Sequence[str], section: str) -> dict[str, Any]:
    return _chart(
        "LINE",
        title,
        section,
        metricKey=keys[0],
        selectedMetricKeys=list(keys),
        lineSmoothness=0,
        xAxisScaleType="linear",
        scaleType="linear",
        range={},
        xAxisKey="step",
        selectedXAxisMetricKey="",
        displayPoints=True,
        yAxisKey="metric",
        yAxisExpressions=[],
        ignoreOutliers=False,
        useGlobalXaxisKey=True,
        useGlobalLineSmoothing=True,
    )


def _bar(metric: str, section: str) -> dict[str, Any]:
    return _chart("BAR", metric, section, metricKey=metric)


def _over_ratio(metric: str, section: str) -> dict[str, Any]:
    return _chart(
        "SCATTER",
        f"{metric} over ratio",
        section,
        xaxis={"key": "ratio", "type": "PARAM"},
        yaxis={"key": metric, "type": "METRIC"},
    )


def _image(key: str, section: str) -> dict[str, Any]:
    keys = [f"{PICTURES}{key}"]
    return _chart("IMAGE", key, section, imageKeys=keys, step=0, showRunParams=False)
