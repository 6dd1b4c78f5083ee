"""Fit all heads on the same clips: what the labels are worth without noise."""

import logging
from collections.abc import Callable, Sequence

from clip_har.core.errors import ClipHarError
from clip_har.heads.clips import LabelledClips
from clip_har.heads.head import Head, TextClasses
from clip_har.heads.learn import Schedule
from clip_har.heads.linear_probe import LinearProbe, fit_linear_probe
from clip_har.heads.logit_adjustment import LogitAdjustment, fit_logit_adjustment
from clip_har.heads.names import (
    LINEAR_PROBE,
    LOGIT_ADJUSTMENT,
    PROMPT_VECTORS,
    TIP_ADAPTER,
    TIP_ADAPTER_F,
)
from clip_har.heads.prompt_vectors import PromptVectors, learn_prompt_vectors
from clip_har.heads.tip_adapter import TipAdapter, fit_tip_adapter, learn_tip_adapter
from clip_har.models.dual_encoder import DualEncoder

log = logging.getLogger(__name__)

KINDS: dict[str, type] = {
    LINEAR_PROBE: LinearProbe,
    TIP_ADAPTER: TipAdapter,
    TIP_ADAPTER_F: TipAdapter,
    LOGIT_ADJUSTMENT: LogitAdjustment,
    PROMPT_VECTORS: PromptVectors,
}
"""The heads by name, in the order of tables."""


def fit_heads(
    training: LabelledClips,
    validation: LabelledClips,
    classes: TextClasses,
    schedule: Schedule,
    *,
    model: DualEncoder | None = None,
    names: Sequence[str] = (),
) -> dict[str, Head]:
    """Fit each head of `KINDS` on training clips; choices are made on validation clips.

    Args:
        training: the clips that noise is learned from, under its training masks.
        validation: the clips that noise is validated on.
        classes: the zero-shot classifier.
        schedule: how long heads are learned.
        model: the dual encoder, for prompt vectors; None for none of them.
        names: C class names, for prompt vectors.

    Returns:
        The heads by name. A head that cannot be fitted is left out, and a log line says why.

    Raises:
        ClipHarError: when a group is in both parts.
    """
    if both := sorted(set(training.groups) & set(validation.groups)):
        raise ClipHarError(
            f"heads are fitted on some groups and validated on others: {len(both)} are in both,"
            f" such as {both[0]}"
        )
    tip = fit_tip_adapter(training, validation, classes, seed=schedule.seed)
    ways: dict[str, Callable[[], Head]] = {
        LINEAR_PROBE: lambda: fit_linear_probe(training, validation, classes=len(classes.vectors)),
        TIP_ADAPTER: lambda: tip,
        TIP_ADAPTER_F: lambda: learn_tip_adapter(training, validation, tip, schedule),
        LOGIT_ADJUSTMENT: lambda: fit_logit_adjustment(training, validation, classes),
    }
    if model is not None:
        ways[PROMPT_VECTORS] = lambda: learn_prompt_vectors(
            training, validation, model, names, schedule
        )
    found = {}
    for name, fit in ways.items():
        try:
            found[name] = fit()
        except ClipHarError as error:
            log.warning("no baseline '%s': %s", name, error)
    return found
