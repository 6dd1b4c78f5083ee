"""Parts of a data set that are used together: they share no clip and no group."""

import logging
from collections.abc import Iterable

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import ClipSet

log = logging.getLogger(__name__)

_NAMED = 3  # groups that a message names


def check_apart(
    learned: ClipSet, evaluated: ClipSet, *, what: str, lists_may_share: bool = True
) -> None:
    """Raise if clips that something is learned from are not apart from those that are evaluated.

    Clips of one group share actor and place, so what is learned from one of them is tested too
    easily on another. A data set whose official lists share groups (`ClipSet.shares_groups`) may
    get a warning instead: right for noise, which must be learned somewhere and whose numbers are
    marked, wrong for thresholds, which no number shows to be too good.

    Args:
        learned: the clips of one part, such as the training split.
        evaluated: the clips of the other part.
        what: what is learned from the first part, such as ``noise``.
        lists_may_share: whether official lists that share groups get a warning, not an error.

    Raises:
        ClipHarError: when a clip or a group is in both parts, or their classes differ.
    """
    both = {clip.id for clip in learned.clips} & {clip.id for clip in evaluated.clips}
    if both:
        raise ClipHarError(
            f"{what} is learned on clips of {learned.name} that are also evaluated, such as"
            f" {min(both)}: evaluate another part of the data (dataset.subset=test)"
        )
    if learned.class_names != evaluated.class_names:
        raise ClipHarError(f"{what}: {learned.name} and {evaluated.name} have different classes")
    groups = shared_groups(learned.groups.tolist(), evaluated)
    why = evaluated.shares_groups
    if groups and why and lists_may_share:
        log.warning(
            "%s is learned on groups that are also evaluated (%s), because %s: numbers with it may"
            " be too good",
            what,
            _listed(groups),
            why,
        )
    elif groups:
        raise ClipHarError(
            f"{what} is learned on {learned.name}, and some of its groups are also in"
            f" {evaluated.name} ({_listed(groups)})"
            + (f", because {why}" if why else "")
            + ": expected each group in one split only; give all clips of a group the same split"
            + (", in lists of your own (dataset=manifest)" if why else "")
        )


def shared_groups(learned: Iterable[str], evaluated: ClipSet) -> list[str]:
    """Return the groups that are in both parts, sorted.

    Args:
        learned: the groups of one part.
        evaluated: the clips of the other part.
    """
    return sorted(set(learned) & {clip.group for clip in evaluated.clips})


def _listed(groups: list[str]) -> str:
    named = ", ".join(groups[:_NAMED])
    return f"{len(groups):,}: {named}" + (", …" if len(groups) > _NAMED else "")
