"""Controls come from the settings and the files of the options."""

import re
from typing import get_args

import pytest

from clip_har.config.compose import settings_class, without_hydra
from clip_har.config.options import option_files
from clip_har.config.session import as_overrides, session
from clip_har.core.settings import Role
from clip_har.explore.choices import GROUPS, offer
from clip_har.explore.controls import Control, controls_of
from clip_har.masking.shape import Shape


def by_key(group: str, option: str) -> dict[str, Control]:
    return {one.key: one for one in offer([], {group: option}).controls[group]}


def test_ranges_choices_and_examples_are_those_of_the_settings():
    shape = by_key("masking", "shape")
    assert shape["masking.shape"].options == get_args(Shape)
    assert (shape["masking.count"].low, shape["masking.count"].high) == (1, 64)
    assert shape["masking.count"].whole
    assert not shape["ratio"].optional
    assert (shape["ratio"].value, shape["ratio"].low, shape["ratio"].high) == (0.3, 0, 1)
    assert list(shape)[:3] == ["ratio", "fill", "masking.shape"]
    assert "inpaint" in shape["fill"].options
    assert shape["fill"].kind == "text", "any colour, too"


def test_keys_are_those_that_a_user_types():
    feature, swap = by_key("masking", "feature"), by_key("masking", "swap")
    assert feature["ratio"].optional
    assert feature["ratio"].value is None
    assert {"feature", "masking.hole", "masking.static"} <= set(feature)
    assert "masking.fill" in swap, "its own, not the root key"
    assert "masking.backgrounds" not in swap, "a path is set where the page is started"
    gaussian = by_key("noise", "gaussian")
    assert {"noise.std", "noise_seed"} <= set(gaussian)
    assert gaussian["noise.std"].meaning == "standard deviation, grey levels"
    assert "learning" not in by_key("noise", "universal")


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_control_can_be_typed_and_its_own_value_changes_nothing(group):
    with session() as composing:
        for option in option_files(group):
            words = [f"{group}={option}"]
            config = without_hydra(composing.compose(words))
            values = {one.key: one.value for one in controls_of(config, group, option)}
            typed = composing.compose([*words, *as_overrides(values)])
            assert without_hydra(typed) == config, option


def test_what_a_form_gives_becomes_what_the_command_takes():
    patch = by_key("masking", "percent")["masking.patch"]
    ratio = by_key("masking", "feature")["ratio"]
    assert patch.typed(8.0) == 8
    assert isinstance(patch.typed(8.0), int)
    assert patch.typed(8.5) == 8.5, "refused later, with the cell"
    assert ratio.typed("0.30000000000000004") == 0.3
    assert ratio.typed("") is None
    assert ratio.typed("null") is None
    assert ratio.typed("much") == "much"


@pytest.mark.parametrize("group", GROUPS)
def test_no_control_names_a_file_a_folder_or_a_checkpoint(group):
    named = re.compile(r"checkpoint|revision|file|folder|path|cache_dir")
    seen = 0
    with session() as composing:
        for option in option_files(group):
            config = without_hydra(composing.compose([f"{group}={option}"]))
            settings = settings_class(config[group]._target_, group)
            content = {
                f"{group}.{name}"
                for name, field in settings.model_fields.items()
                if named.search(name) or "Path" in str(field.annotation)
            } | {f"{group}.{name}" for name in settings.fields_for(Role.CONTENT)}
            keys = {one.key for one in controls_of(config, group, option)}
            assert not keys & content, option
            assert not any(map(named.search, keys)), option
            seen += len(content)
    assert seen
