"""The answer as HTML: frames, probabilities and attribution before and after; or one error."""

import base64
from dataclasses import dataclass
from importlib.resources import files

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup
from numpy.typing import NDArray

from clip_har.core.evenly import evenly
from clip_har.explore.answer import Answer
from clip_har.explore.what_if import View, on_subject
from clip_har.figures.noise import lay_over
from clip_har.report.clips.sheets import frames_in, sheet

_UNKNOWN = "without the true class the accuracy of the command means nothing; its scores do"
_TOP = 5  # classes of either side that are listed


@dataclass(frozen=True)
class _Bar:
    name: str
    is_true: bool
    before: float
    after: float


@dataclass(frozen=True)
class _Strip:
    title: str
    picture: str  # JPEG in base64
    frames: int


def panel(answer: Answer) -> str:
    """Return the answer as HTML.

    Args:
        answer: of one clip.
    """
    before, after = answer.before, answer.after
    table = after.table
    subject = after.subject if after.subject is not None else before.subject
    shares = [on_subject(view.attribution, subject) for view in (before, after)]
    facts = {
        "hidden": float(table.mask_ratio[0]),
        "of the subject hidden": _known(table.subject_hidden[0]),
        "of the attribution on the subject": shares[1],
    }
    unknown = () if answer.label is not None else (_UNKNOWN,)
    return _template("answer.html.j2").render(
        answer=answer,
        verdict=_verdict(answer),
        right=[_right(answer, view) for view in (before, after)],
        bars=_bars(answer),
        strips=_strips(answer),
        facts={name: value for name, value in facts.items() if value is not None},
        on_subject_before=shares[0],
        noise=float(table.noise_rms[0]),
        target=after.target,
        in_frames=_known(table.feature_frames[0]),
        notes=dict.fromkeys((*after.notes, *answer.cautions, *unknown)),
        shown=frames_in(len(after.frames)),
        frames=len(after.frames),
    )


def error_panel(message: str) -> str:
    """Return one line about what went wrong as HTML.

    Args:
        message: what was expected, what came, what to do.
    """
    return _template("error.html.j2").render(message=message)


def style() -> str:
    """Return the style sheet of the panel."""
    return (files("clip_har.explore") / "templates" / "page.css").read_text(encoding="utf-8")


def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("clip_har.explore"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(name)


def _right(answer: Answer, view: View) -> bool | None:
    return None if answer.label is None else view.predicted == answer.label


def _verdict(answer: Answer) -> str:
    """Return in a few words what happened to the answer."""
    before, after = answer.before, answer.after
    if before is after:
        return "nothing is hidden, nothing is added: choose a mask or noise"
    if before.predicted == after.predicted:
        return "the answer stays"
    match _right(answer, before), _right(answer, after):
        case True, _:
            return "right before, wrong after"
        case _, True:
            return "wrong before, right after"
    return "another answer" if answer.label is None else "another wrong answer"


def _bars(answer: Answer) -> list[_Bar]:
    """Return the most probable classes of either side, and the true one."""
    sides = [view.probabilities for view in (answer.before, answer.after)]
    top = {int(place) for side in sides for place in np.argsort(-side, kind="stable")[:_TOP]}
    listed = top | ({answer.label} if answer.label is not None else set())
    order = sorted(listed, key=lambda place: -max(side[place] for side in sides))
    return [
        _Bar(
            answer.class_names[place],
            place == answer.label,
            *(float(side[place]) for side in sides),
        )
        for place in order
    ]


def _strips(answer: Answer) -> list[_Strip]:
    """Return the frames before and after, and below them the attribution before and after."""
    before, after, names = answer.before, answer.after, answer.class_names
    views = {"before": before, "as the model saw it": after}
    if before is after:
        views = {"as the model saw it": after}
    strips = [_strip(title, view.frames) for title, view in views.items()]
    for title, view in views.items():
        if view.attribution is not None:
            when = "before" if title == "before" else "after"
            said = f"attribution {when}: what speaks for “{names[view.predicted]}”, bright for much"
            strips.append(_strip(said, overlaid(view.frames, view.attribution)))
    return strips


def _strip(title: str, frames: NDArray[np.uint8]) -> _Strip:
    return _Strip(title, base64.b64encode(sheet(frames)).decode(), frames_in(len(frames)))


def overlaid(frames: NDArray[np.uint8], attribution: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return grey frames under their attribution, ``(T, 3, S, S)``.

    Args:
        frames: ``(T, 3, S, S)`` uint8.
        attribution: ``(T, g, g)`` at least 0; it is scaled to the largest value of the clip.
    """
    side = frames.shape[-1]
    peak = max(float(attribution.max()), 1e-12)
    chosen = evenly(range(len(frames)), frames_in(len(frames)))
    laid = [
        lay_over(
            cv2.resize(attribution[place] / peak, (side, side), interpolation=cv2.INTER_LINEAR),
            frames[place].mean(axis=0) / 255,
        ).transpose(2, 0, 1)
        for place in chosen
    ]
    pixels: NDArray[np.uint8] = np.rint(255 * np.stack(laid)).astype(np.uint8)
    return pixels


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def page_head(text: str) -> str:
    """Return the head of the page as HTML.

    Args:
        text: names data and model.
    """
    return _template("head.html.j2").render(text=text)


def said(text: str) -> str:
    """Return a sentence about the chosen option as HTML."""
    return Markup('<p class="said-of">{}</p>').format(text)
