"""The leaderboard: one page of all results, to be put on a web site."""

import base64
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from clip_har.config.cell import Cell
from clip_har.core.code_version import __version__
from clip_har.core.locks import whole_folder_alone
from clip_har.core.settings import Role
from clip_har.report.comparison import cautions
from clip_har.report.models_by_masks import ModelsByMasks, models_by_masks
from clip_har.report.numbers import UNKNOWN, count, interval, number, points, share
from clip_har.report.selection import Chosen
from clip_har.results.result import Result
from clip_har.sweeps.comparisons import Comparison
from clip_har.sweeps.models import shown_as
from clip_har.sweeps.noise import noise_name
from clip_har.sweeps.table import cell_rows

PAGE, TABLE = "leaderboard.html", "leaderboard.csv"
_KEPT = {"device", "batch_size"}  # keys of the role RUN that a reader may want to know
_COLUMNS = ("data", "protocol", "model", "cell", "noise", "top1", "top1_low", "top1_high",
            "top1_change", "top1_change_low", "top1_change_high", "verdict", "ece", "confidence",
            "flip_rate", "clips", "groups", "classes", "leaks", "cautions", "command")  # fmt: skip


@dataclass(frozen=True)
class Board:
    """The rows of one data set and one protocol; only these may be compared.

    Attributes:
        data: the name of the clips.
        protocol: its parts in words, by name.
        classes: the number of classes.
        caution: what none of its numbers can say; empty if that differs from row to row.
        rows: see `leaderboard_rows`.
        matrix: its models by masks; None for one model.
    """

    data: str
    protocol: Mapping[str, str]
    classes: int
    caution: str
    rows: Sequence[Mapping[str, Any]]
    matrix: ModelsByMasks | None


def write_leaderboard(chosen: Chosen, folder: Path, *, margin: float | None = None) -> Path:
    """Write the leaderboard of some cells; an older one is replaced.

    Args:
        chosen: the cells.
        folder: the folder for its files.
        margin: the largest change that counts as none, see `cell_rows`.

    Returns:
        The page.
    """
    rows = leaderboard_rows(chosen.comparisons, margin=margin)
    boards = boards_of(rows)
    environment = _environment()
    script, _, _ = environment.loader.get_source(environment, "leaderboard.js")  # type: ignore[union-attr]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    content = {
        "boards": boards,
        "models": sorted({str(row["model"]) for row in rows}),
        "masks": sorted({str(row["mask"]) for row in rows}),
        "several": len({board.data for board in boards}),
        "total": len(rows),
        "leaks": any(row["leaks"] for row in rows),
        "left_out": len(chosen.problems),
        "version": __version__,
        "script": Markup(script),  # noqa: S704, a file of this package
        "script_hash": f"sha256-{digest}",
    }
    with whole_folder_alone(folder, "leaderboard") as out:
        text = environment.get_template(f"{PAGE}.j2").render(content)
        (out / PAGE).write_text(text, encoding="utf-8")
        table = pd.DataFrame([{**row, "protocol": _line(row["protocol"])} for row in rows])
        table.reindex(columns=list(_COLUMNS)).to_csv(out / TABLE, index=False)
    return folder / PAGE


def leaderboard_rows(
    comparisons: Sequence[Comparison], *, margin: float | None = None
) -> list[dict[str, Any]]:
    """Return a row per result, with intervals, protocol, cautions and the command.

    Args:
        comparisons: the results by data set, model and protocol.
        margin: see `cell_rows`.
    """
    cells = [one for comparison in comparisons for one in comparison.cells]
    numbers = {row["folder"]: row for row in cell_rows(cells, margin=margin).to_dict("records")}
    rows: list[dict[str, Any]] = []
    for comparison in comparisons:
        for one in comparison.cells:
            noise = one.cell.noise
            rows.append(
                {
                    **{str(name): value for name, value in numbers[str(one.folder)].items()},
                    "flip_rate": one.metrics.get("flip_rate", float("nan")),
                    "data": comparison.data,
                    "data_digest": one.protocol.get("data_digest"),
                    "model": comparison.model,
                    "cell": one.named_without(notes=False),
                    "noise": "" if noise.is_clean else noise_name(noise),
                    "protocol": protocol_of(one),
                    "classes": len(one.table.class_names),
                    "cautions": " ".join(cautions([one], len(one.table.class_names))),
                    "notes": list(one.protocol.get("notes", ())),
                    "command": public_command(one.command),
                    "shown_as": shown_as(one),
                }
            )
    return rows


def boards_of(rows: Sequence[Mapping[str, Any]]) -> list[Board]:
    """Return the rows by data set and protocol, the largest board first, the best row first.

    Args:
        rows: see `leaderboard_rows`.
    """
    found: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        key = json.dumps([row["data"], row["data_digest"], row["protocol"]])
        found.setdefault(key, []).append(row)
    boards = [
        Board(
            data=str(members[0]["data"]),
            protocol=members[0]["protocol"],
            classes=int(members[0]["classes"]),
            caution=_common([str(row["cautions"]) for row in members]),
            rows=sorted(members, key=lambda row: -row["top1"]),
            matrix=models_by_masks(members),
        )
        for members in found.values()
    ]
    return sorted(boards, key=lambda board: (-len(board.rows), board.data))


def protocol_of(one: Result) -> dict[str, str]:
    """Return how a result was made, as text by part; equal for results that may be compared.

    Frames and prompts count by their content. The size of the input belongs to the model.
    """
    card, cell = one.protocol, one.cell  # an older card does not hold everything
    frames = card.get("frames") or cell.frames.model_dump(mode="json")
    return {
        "frames": _frames(frames),
        "fit": f"{frames['fit'] or 'as trained'}, {frames['resample'] or 'as trained'}",
        "prompts": _prompts(card),
        "clip": f"{cell.model.pooling} over frames",
        "precision": cell.precision,
    }


def public_command(command: str) -> str:
    """Return a command without what is this machine's own: result folders and long paths.

    Example:
        >>> public_command("clip-har ratio=0.3 results_dir=/home/me dataset.root=/data/ucf")
        'clip-har ratio=0.3 dataset.root=…/ucf'
    """
    own = Cell.fields_for(Role.RUN) - _KEPT
    words = []
    for word in shlex.split(command):
        key, sign, value = word.partition("=")
        if sign and key.split(".")[0].lstrip("+") in own:
            continue
        if sign and value.startswith(("/", "~")):
            word = f"{key}=…/{Path(value).name}"
        words.append(word if "'" not in shlex.quote(word) or "…" in word else shlex.quote(word))
    return " ".join(words)


def _prompts(card: Mapping[str, Any]) -> str:
    texts = int(card.get("prompts_per_class", 1))
    more = f" and {texts - 1} more a class" if texts > 1 else ""
    digest = str(card.get("prompts_digest") or "not known")[:9]
    return f"“{card.get('first_prompt', '')}”{more} ({digest})"


def _frames(frames: Mapping[str, Any]) -> str:
    most = f", at most {frames['max_frames']}" if frames["max_frames"] else ""
    views = f", {frames['crops']} crops of each" if frames.get("crops", 1) > 1 else ""
    match frames["sampler"]:
        case "uniform":
            return f"{frames['count']}, evenly spread{views}"
        case "middle":
            return f"the middle one{views}"
        case "every":
            return f"one in {frames['step']}{most}{views}"
    return f"{frames['fps']:g} a second{most}{views}"


def _common(texts: Sequence[str]) -> str:
    return texts[0] if len(set(texts)) == 1 else ""


def _line(protocol: Mapping[str, str]) -> str:
    return "; ".join(f"{key}: {text}" for key, text in protocol.items() if text)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("clip_har.report"),
        autoescape=select_autoescape(("html.j2",)),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"interval": interval, "points": points, "UNKNOWN": UNKNOWN}
    environment.filters |= {"share": share, "points": points, "number": number, "count": count}
    return environment
