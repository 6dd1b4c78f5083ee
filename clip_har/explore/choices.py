"""From the choices on the page to the words of the command, and to the cell that they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clip_har.config.one_cell import composed, key_of
from clip_har.config.options import header_of, option_files
from clip_har.config.session import as_overrides
from clip_har.core.errors import ClipHarError
from clip_har.explore.controls import Control, Value, controls_of, root_control

GROUPS = ("masking", "noise", "region")
"""Configuration groups whose option is chosen on the page."""

SEED = "seed"
"""The root key that is set on the page beside those of the options."""

_OF_DATA = ("dataset", "limit", "classes", "shard")
_OF_CLIPS = (  # files about the clips of the data set
    *("region.maps", "region.boxes", "region.resolution", "region.wrong"),
    *("masking.backgrounds", "masking.pairs"),
)


@dataclass(frozen=True)
class Offer:
    """What can be set for the chosen options.

    Attributes:
        words: of the command, before anything is set on the page.
        chosen: the option of each of `GROUPS`.
        controls: of each of `GROUPS`, and of `SEED`, with their values now. A root key that two
            options share has one control.
    """

    words: tuple[str, ...]
    chosen: Mapping[str, str]
    controls: Mapping[str, Sequence[Control]]

    @property
    def all_controls(self) -> list[Control]:
        """All controls in one list."""
        return [control for part in self.controls.values() for control in part]

    def with_values(self, values: Mapping[str, Value]) -> tuple[str, ...]:
        """Return the words of the command with the values that were set.

        Args:
            values: by key; those that are as before add no word.

        Raises:
            ClipHarError: as `check_texts`.
        """
        known = {control.key: control for control in self.all_controls}
        set_now = {
            key: known[key].typed(value)
            for key, value in values.items()
            if key in known and known[key].typed(value) != known[key].value
        }
        check_texts(set_now)
        kept = (word for word in self.words if key_of(word) not in set_now)
        return (*kept, *as_overrides(set_now))


def check_texts(values: Mapping[str, Value]) -> None:
    """Raise for texts of the page that a configuration would resolve, such as ``${oc.env:HOME}``.

    Whoever can reach the page could read environment variables with them.

    Args:
        values: by key, or by what they are called on the page.

    Raises:
        ClipHarError: when one contains ``${``.
    """
    for key, value in values.items():
        if "${" in str(value):
            raise ClipHarError(
                f"{key}: a text set on the page must not contain ${{: name another, or set"
                " this one where the page is started"
            )


def offer(words: Sequence[str], chosen: Mapping[str, str] | None = None) -> Offer:
    """Return what can be set for the chosen options.

    Keys of an option that was replaced on the page are dropped, others are kept.

    Args:
        words: overrides that the page was started with.
        chosen: options by group; None for those of the words.

    Raises:
        ClipHarError: as `composed`, and when a chosen option does not exist.
    """
    config, own = composed(words)
    changed = {group: name for group, name in (chosen or {}).items() if own[group] != name}
    for group, name in changed.items():
        if name not in option_files(group):  # it becomes a part of a word
            raise ClipHarError(f"{group}: there is no such option as the chosen one")
    kept = [word for word in words if key_of(word).partition(".")[0] not in changed]
    kept += [f"{group}={name}" for group, name in changed.items()]
    if changed:
        config, own = composed(kept)
    controls: dict[str, list[Control]] = {}
    known = {SEED}
    for group in GROUPS:
        fresh = [one for one in controls_of(config, group, own[group]) if one.key not in known]
        controls[group] = fresh
        known |= {one.key for one in fresh}
    controls[SEED] = [root_control(config, SEED)]
    return Offer(tuple(kept), {group: own[group] for group in GROUPS}, controls)


def options_of(group: str) -> dict[str, str]:
    """Return the options of a group, with the first sentence about each."""
    return {name: header_of(path).first_sentence for name, path in option_files(group).items()}


def on_other_data(words: Sequence[str], data: Sequence[str]) -> tuple[str, ...]:
    """Return the words of a command with another data set, without files about the old one's clips.

    Args:
        words: of the command.
        data: overrides that name the data set.
    """
    replaced = {*map(key_of, data), *_OF_CLIPS}
    kept = (
        word
        for word in words
        if key_of(word).partition(".")[0] not in _OF_DATA and key_of(word) not in replaced
    )
    return (*data, *kept)
