"""The page in a browser, made with Gradio: controls on the left, the answer on the right."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clip_har.core.errors import ClipHarError, describe
from clip_har.engine.job import command
from clip_har.explore.answer import Explorer, Upload
from clip_har.explore.choices import GROUPS, Offer, options_of
from clip_har.explore.controls import Control, Value
from clip_har.explore.panel import error_panel, page_head, panel, said

if TYPE_CHECKING:
    import gradio as gr  # an extra: the functions import it, which takes seconds

log = logging.getLogger(__name__)

_UNKNOWN = "not known"
_FIRST = 4  # controls of an option that are not folded
_SHORT = 10  # a longer range of a slider has whole steps

Kept = dict[str, Value]
"""What was set on the page, by `Control.slot`."""


@dataclass(frozen=True)
class _Request:
    """What is chosen, besides the values of the controls; fields in the order of the inputs."""

    own: bool
    clip: str | None
    video: str | None
    classes: str
    label: str
    masking: str
    noise: str
    region: str

    @property
    def chosen(self) -> dict[str, str]:
        """The option of each group."""
        return {group: str(getattr(self, group)) for group in GROUPS}

    @property
    def upload(self) -> Upload | None:
        """The own video; None for a clip of the data set."""
        if not self.own or self.video is None:
            return None
        label = None if self.label == _UNKNOWN else self.label
        return Upload(Path(self.video), self.classes, label)


def build_page(explorer: Explorer) -> "gr.Blocks":
    """Return the page.

    Args:
        explorer: answers for it.
    """
    import gradio as gr

    page = gr.Blocks(title="clip_har: what if?", analytics_enabled=False)
    with page:
        model = explorer.cell.model.name
        gr.HTML(page_head(f"Data: {explorer.clips.title}. Model: {model}."))
        with gr.Row():
            with gr.Column(scale=1, min_width=320):
                own, kept = gr.State(value=False), gr.State({})
                clip, video, classes, label, from_clips, switched = _draw_clips(explorer, own)
                options = _draw_options(explorer.offer())
                controls = gr.Column()
            with gr.Column(scale=3, min_width=320, elem_id="right"):
                line = gr.Code(
                    label="The same cell on the command line",
                    language="shell",
                    interactive=False,
                    lines=1,
                    wrap_lines=True,
                    show_line_numbers=False,
                    buttons=["copy"],
                    elem_id="command",
                )
                answer = gr.HTML(apply_default_css=False, elem_id="answer")
        given = [own, clip, video, classes, label, *options]
        # Not in Gradio's queue: the browser may close its stream of replies between two events, and
        # then the second gets none. The explorer has a lock of its own.
        live: dict[str, Any] = {
            "queue": False,
            "trigger_mode": "always_last",
            "show_progress": "minimal",
            "api_visibility": "private",
        }

        def from_kept(*inputs: Any) -> tuple[str, str]:
            *chosen, set_before = inputs
            return _answered(explorer, _Request(*chosen), set_before)

        other_options = [one.change for one in options]  # `input` comes twice for each choice
        triggers = [page.load, *from_clips, *other_options]
        gr.on(triggers, from_kept, [*given, kept], [answer, line], **live)
        for then in switched:
            then(from_kept, [*given, kept], [answer, line], **live)

        def draw_controls(*inputs: Any) -> None:
            *names, set_before = inputs
            offer = explorer.offer(dict(zip(GROUPS, names, strict=True)))
            drawn = _draw_controls(offer, set_before)

            def from_controls(*inputs: Any) -> tuple[str, str, Kept]:
                chosen, rest = inputs[: len(given)], inputs[len(given) :]
                now = _kept(rest[0], dict(zip(offer.all_controls, rest[1:], strict=True)))
                return (*_answered(explorer, _Request(*chosen), now), now)

            changes = [change for one in drawn for change in _changes(one)]
            outputs = [answer, line, kept]
            gr.on(changes, from_controls, [*given, kept, *drawn], outputs, **live)

        with controls:
            drawing = gr.render([*options, kept], [page.load, *other_options], queue=False)
            drawing(draw_controls)
    return page


def _kept(before: Kept, values: Mapping[Control, Value]) -> Kept:
    """Return what is kept when controls have values: those that differ from the option's own."""
    typed = {control: control.typed(value) for control, value in values.items()}
    others = {slot: value for slot, value in before.items() if slot not in {c.slot for c in typed}}
    return others | {c.slot: value for c, value in typed.items() if value != c.value}


def _answered(explorer: Explorer, request: _Request, kept: Kept) -> tuple[str, str]:
    """Return the answer as HTML, and the command of the cell; an error is an answer, too."""
    line = ""
    try:
        if request.own and request.video is None:
            return error_panel("choose a video"), line
        controls = explorer.offer(request.chosen).all_controls
        values = {one.key: kept[one.slot] for one in controls if one.slot in kept}
        upload = request.upload
        words = explorer.words_for(request.chosen, values, upload)
        line = command(words)
        known = upload is None or upload.label is not None
        clip = request.clip if upload is None else None
        return panel(explorer.answer(words, clip, knows_label=known)), line
    except ClipHarError as error:
        return error_panel(describe(error)), line
    except Exception as error:
        log.exception("the page cannot show %s", line)
        return error_panel(describe(error)), line


def _draw_clips(explorer: Explorer, own: "gr.State") -> tuple[Any, ...]:
    """Draw where the clip comes from.

    Returns:
        Its four inputs, the events of their changes, and what adds an event after a switch between
        data set and own video.
    """
    import gradio as gr

    clips, names = explorer.clips.clips, explorer.clips.class_names
    choices = [(f"{names[clip.label]} · {clip.id}", clip.id) for clip in clips]
    with gr.Tabs():
        with gr.Tab("Clip of the data set") as of_data:
            clip = gr.Dropdown(
                choices, value=clips[0].id, label="clip", info="Type to search.", elem_id="clip"
            )
        with gr.Tab("Own video") as of_own:
            video = gr.File(label="video", height=110)
            classes = gr.Textbox(
                label="classes",
                elem_id="classes",
                info=f"Names with commas between them; empty: the {len(names)} of the data set.",
                placeholder=", ".join(names[:3]) + ", …",
            )
            label = gr.Dropdown([_UNKNOWN, *names], value=_UNKNOWN, label="true class")
            folder = explorer.uploads
            gr.HTML(said(f"The video is copied to {folder}, where the command finds it."))
    once: dict[str, Any] = {"queue": False, "api_visibility": "private"}
    switched = [
        of_data.select(lambda: False, outputs=own, **once).then,
        of_own.select(lambda: True, outputs=own, **once).then,
    ]
    classes.change(partial(_labels, explorer), classes, label, **once)
    changes = [clip.change, video.upload, video.clear, classes.submit, classes.blur, label.input]
    return clip, video, classes, label, changes, switched


def _labels(explorer: Explorer, classes: str) -> Any:
    """Return the choices of the true class."""
    import gradio as gr

    try:
        names = explorer.class_names(classes)
    except ClipHarError:  # the answer says it
        names = ()
    return gr.Dropdown(choices=[_UNKNOWN, *names], value=_UNKNOWN)


def _draw_options(offer: Offer) -> list[Any]:
    """Draw the choice of an option for each group."""
    import gradio as gr

    return [
        gr.Dropdown(list(options_of(group)), value=offer.chosen[group], label=group, elem_id=group)
        for group in GROUPS
    ]


def _draw_controls(offer: Offer, kept: Kept) -> list[Any]:
    """Draw the controls of the chosen options, with the values that were set before."""
    import gradio as gr

    drawn = []
    for part, controls in offer.controls.items():
        option = offer.chosen.get(part)
        with gr.Accordion(f"{part}={option}" if option else part, open=part == "masking"):
            if option:
                gr.HTML(said(f"{options_of(part)[option]}."))
            drawn += [_draw(one, kept) for one in controls[:_FIRST]]
            if controls[_FIRST:]:
                with gr.Accordion("more keys", open=False):
                    drawn += [_draw(one, kept) for one in controls[_FIRST:]]
    return drawn


def _draw(control: Control, kept: Kept) -> Any:
    """Draw one control, with the value that was set before."""
    import gradio as gr

    value = kept.get(control.slot, control.value)
    named: dict[str, Any] = {
        "label": control.key,
        "info": control.meaning,
        "elem_id": control.key.replace(".", "-"),
        "interactive": True,
        "key": control.slot,  # else another control may take its place, with its value
    }
    low, high = control.low, control.high
    if control.kind == "switch":
        return gr.Checkbox(bool(value), **named)
    if control.kind == "number" and not control.optional:
        number = float(value) if isinstance(value, int | float) else 0.0
        if low is None or high is None:
            return gr.Number(number, step=1 if control.whole else 0.05, **named)
        step = 1 if control.whole or high - low > _SHORT else 0.01
        slider = gr.Slider(low, high, value=number, step=step, buttons=[], **named)
        # A number that was typed is refused with the cell, in one line; Gradio's own check is a
        # fault of the server.
        slider.preprocess = lambda number: number  # type: ignore[method-assign, assignment]
        return slider
    shown = "null" if value is None else str(value)
    if control.options:
        listed = [*(["null"] if control.optional else []), *control.options]
        listed += [] if shown in listed else [shown]
        return gr.Dropdown(listed, value=shown, allow_custom_value=control.kind == "text", **named)
    return gr.Textbox(shown, **named)


def _changes(component: Any) -> Sequence[Any]:
    """Return the events after which a user has set a control."""
    import gradio as gr

    if isinstance(component, gr.Slider):
        return [component.release, component.input]
    if isinstance(component, gr.Textbox | gr.Number):
        return [component.submit, component.blur]
    return [component.input]
