"""Every option of every group composes, builds, and refuses what it should."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from typing_extensions import get_protocol_members, is_protocol

from clip_har.config.cell import GROUPS, Cell, register_schema
from clip_har.config.compose import CONFIG_DIR, build, cell_from_config, without_hub_revision
from clip_har.config.help import key_lines, option_lines
from clip_har.config.options import header_of, option_files
from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Role, Settings
from clip_har.masking.swap import SwapMask

# What the options that have no usable default need.
NEEDED = {
    "dataset=folder": ["dataset.root=clips"],
    "dataset=manifest": ["dataset.path=clips.csv"],
    "dataset=rawframes": ["dataset.path=list.txt"],
    "dataset=pattern": ["dataset.root=clips", "dataset.pattern='{label}/{}'"],
    **{  # those on top of pattern
        f"dataset={name}": ["dataset.root=clips"]
        for name, path in option_files("dataset").items()
        if "\ndefaults:" in path.read_text(encoding="utf-8")
    },
    "prompts=file": ["prompts.file=templates.txt"],
    "prompts=descriptions": ["prompts.descriptions=texts.json"],
    "model=clip": ["model.checkpoint=folder"],
    "model=siglip": ["model.checkpoint=folder"],
    "model=xclip": ["model.checkpoint=folder"],
    "model=transformers": ["model.checkpoint=folder"],
    "model=naflex": ["model.checkpoint=folder"],
    "model=videoprism": ["model.checkpoint=folder"],
    "model=pe_video": ["model.checkpoint=folder"],
    "model=open_vclip": ["model.checkpoint=folder", "model.weights=tuned.safetensors"],
    "model=open_vclip_b16": ["model.weights=tuned.safetensors"],
    "model=open_clip": ["model.checkpoint=folder"],
    "model=metaclip_b32": ["model.revision=commit"],
    "model=metaclip2_b32": ["model.revision=commit"],
}
OPTIONS = [f"{group}={option}" for group in GROUPS for option in option_files(group)]


def composed(*overrides: str) -> DictConfig:
    register_schema()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        return compose("config", overrides=list(overrides))


def test_there_are_options_in_every_group() -> None:
    assert {option.partition("=")[0] for option in OPTIONS} == set(GROUPS)


@cache
def option_of(name: str) -> tuple[Settings, list[str]]:
    """Return an option that is built, and the keys of its YAML in their order."""
    group = name.partition("=")[0]
    aimed = ["region=motion"] if group == "masking" else []
    config = composed(*aimed, *([name] if "=" in name else []), *NEEDED.get(name, []))
    cell_from_config(config)
    built = build(config[group], group)
    assert isinstance(built, Settings)
    return built, list(config[group])


@pytest.mark.parametrize("name", [*OPTIONS, "frames"])
def test_every_option_builds_and_its_keys_are_its_settings_in_their_order(name: str) -> None:
    built, keys = option_of(name)
    keys.remove("_target_")
    assert keys == [*type(built).model_fields]


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_has_all_that_its_contract_names(name: str) -> None:
    """Hydra builds options by name, so the type checker never compares them with the contract."""
    kind = type(option_of(name)[0])
    contract: Any = Cell.model_fields[name.partition("=")[0]].annotation
    if is_protocol(contract):
        assert get_protocol_members(contract) <= {*dir(kind), *kind.model_fields}
    else:
        assert issubclass(kind, contract)


def test_the_defaults_in_the_yaml_are_those_of_the_code() -> None:
    """Of each class of settings, one option holds exactly its defaults; others are presets."""
    names = [name for name in OPTIONS if not name.startswith("prompts=")]
    found: dict[type[Settings], list[bool]] = {}
    for name in names:
        built, _ = option_of(name)
        given = {key for key, field in type(built).model_fields.items() if field.is_required()}
        plain = type(built)(**built.model_dump(include=given))
        found.setdefault(type(built), []).append(built == plain)
    assert all(any(equal) for equal in found.values()), found


@pytest.mark.parametrize("name", option_files("experiment"))
def test_every_experiment_composes(name: str) -> None:
    cell_from_config(composed(f"experiment={name}"))


@pytest.mark.parametrize("path", sorted(CONFIG_DIR.rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_opens_with_what_it_is(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_opens_with_a_command_that_uses_it(name: str) -> None:
    group, _, option = name.partition("=")
    commands = header_of(option_files(group)[option]).commands
    assert commands.startswith("python -m clip_har ")
    assert re.search(rf"\b{group}=(\w+,)*{option}\b", commands)


def test_the_official_templates_are_48_distinct_ones() -> None:
    templates = composed("prompts=ucf101_48").prompts.templates
    assert len(set(templates)) == 48
    assert templates[0] == "a photo of a person {}."
    assert templates[-1] == "a demonstration of the person practicing {}."


def test_the_templates_of_kinetics_are_28_and_those_of_froster() -> None:
    templates = list(composed("prompts=kinetics_28").prompts.templates)
    assert len(set(templates)) == 28
    assert [*templates, "{}"] == list(composed("prompts=froster").prompts.templates)
    kinds = [template.split()[1] for template in templates]
    assert kinds == sorted(
        ["photo"] * 7 + ["video"] * 7 + ["example"] * 7 + ["demonstration"] * 7, key=kinds.index
    )
    words = [template.removeprefix(" ".join(template.split()[:3])) for template in templates]
    assert words[:7] * 4 == words


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["ratio=1.5"], r"^ratio=1.5: input should be less than or equal to 1$"),
        (["ratio=-0.1"], r"^ratio=-0.1: input should be greater than or equal to 0$"),
        (["ratio=null", "masking=shape"], r"^masking.ratio=null: "),
        (["seed=-1"], "^seed=-1: "),
        (["batch_size=0"], "^batch_size=0: "),
        (["limit=0"], "^limit=0: "),
        (["precision=fp8"], "^precision=fp8: input should be 'fp32', 'bf16' or 'fp16'$"),
        (["overwrite=maybe"], "^overwrite=maybe: input should be 'missing', 'always' or 'never'$"),
        (["device=gpu"], "^device=gpu: "),
        (["device=cpu", "precision=fp16"], "fp16 needs an accelerator"),
        (["masking=shape", "masking.shape=blob"], "^masking.shape=blob: input should be 'square'"),
        (
            ["masking=shape", "masking.place=subject", "region=none"],
            "where the subject is, which region=none",
        ),
        (["masking=feature", "region=none"], "where the subject is, which region=none"),
        (["masking=feature", "feature=a ball", "region=motion"], "^feature=a ball: region=motion"),
        (["masking=feature", "masking.hole=circle"], "^masking.hole=circle: input should be 'exac"),
        (
            ["masking=feature", "feature=background", "masking.hole=box", "region=motion"],
            "^masking: masking.hole=box about the background",
        ),
        (["masking=isolation", "ratio=2"], "^ratio=2"),
        (["masking=person_only", "masking.grow=6", "region=motion"], "use masking.hole=grown"),
        (["masking=swap", "region=motion", "region.on_empty=whole"], "^masking=swap needs a subj"),
        (["masking=swap", "region=motion", "region.on_empty=never"], "^region.on_empty=never"),
        (["fill=grellow", "masking=percent"], "^masking.fill=grellow: expected mean"),
        (["masking=shape", "masking.count=3"], "place=random"),
        (["masking=percent", "masking.fill=grellow"], "^masking.fill=grellow: expected mean"),
        (["frames.count=0"], "^frames.count=0: "),
        (["model.pooling=median"], "^model.pooling=median: "),
        (["+masking.size=3", "masking=percent"], "^masking.size: there is no such key$"),
        (["dataset=folder"], "^dataset.root is not set: add dataset.root=…"),
        (["prompts.templates=['no place']"], "expected exactly one {}"),
    ],
)
def test_what_is_wrong_gets_one_line(overrides: list[str], message: str) -> None:
    with pytest.raises(ClipHarError, match=message) as caught:
        cell_from_config(composed(*overrides))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "target",
    [
        *(
            "os.system",
            "subprocess.Popen",
            "clip_har.core.errors.ClipHarError",
            "clip_har.nothing.X",
        ),
        "clip_har.__main__.main",  # importing it runs nothing
    ],
)
def test_only_settings_of_this_package_can_be_named(target: str) -> None:
    node = OmegaConf.create({"_target_": target})
    with pytest.raises(ClipHarError, match="_target_"):
        build(node, "masking")


def test_swap_frozen_is_the_swap_frozen() -> None:
    swap, frozen = (
        cell_from_config(composed(f"masking={mask}", "region=motion")).masking
        for mask in ("swap", "swap_frozen")
    )
    assert isinstance(swap, SwapMask)
    assert frozen == swap.model_copy(update={"frozen": True})
    assert not swap.frozen


def test_what_leaks_the_label_is_noted() -> None:
    at = ("masking=feature", "region=relevance", "ratio=null")
    clean = cell_from_config(composed(*at))
    leaking = cell_from_config(composed(*at, "region.attribution=label"))
    assert (clean.uses_label, clean.notes()) == (False, ())
    assert (leaking.uses_label, leaking.notes()) == (True, ("uses the true label",))
    measured = cell_from_config(composed("region=relevance", "region.attribution=label"))
    assert not measured.uses_label, "nothing that the model sees depends on it"
    text = (*at, "region.attribution=label", "feature=a ball")
    assert not cell_from_config(composed(*text)).uses_label
    placed = cell_from_config(composed(*text, "masking.place=away"))
    assert placed.uses_label, "it is put where the attribution for the true class is not"


def test_a_silhouette_is_noted() -> None:
    at = ("masking=feature", "region=motion", "ratio=null")
    assert cell_from_config(composed(*at)).notes() == ()
    exact = cell_from_config(composed(*at, "masking.hole=exact"))
    assert exact.notes() == ("silhouette control",)
    sized = cell_from_config(composed(*at, "ratio=0.1"))
    assert sized.notes() == ("silhouette control",), "as large as the ratio says: the outline"
    assert cell_from_config(composed(*at, "masking.hole=grown")).notes() == ()
    assert cell_from_config(composed(*at, "masking.hole=grown", "masking.grow=0")).notes() != ()
    same = ("masking=isolation", "region=motion", "feature=background", "ratio=null")
    assert cell_from_config(composed(*same)).notes() == ("silhouette control",)
    assert cell_from_config(composed("masking=person_only", "region=motion")).notes() == ()


def test_ratio_counts_through_the_mask() -> None:
    config: Any = composed("masking=percent", "ratio=0.25")
    assert cell_from_config(config).masking.ratio == 0.25


def test_each_root_key_is_declared_once_with_a_sentence_and_a_role() -> None:
    for name, field in Cell.model_fields.items():
        assert str(field.description).endswith("."), name
        assert len([entry for entry in field.metadata if isinstance(entry, Role)]) == 1, name


def test_the_default_configuration_holds_the_keys_and_sentences_of_a_cell() -> None:
    text = (CONFIG_DIR / "config.yaml").read_text(encoding="utf-8")
    found = re.findall(r"^# (.+)\n(\w+):", text, flags=re.MULTILINE)
    commented = {key: sentence for sentence, key in found if key != "defaults"}
    keys = [name for name in Cell.model_fields if name not in GROUPS]
    assert commented == {key: Cell.model_fields[key].description for key in keys}
    assert set(composed()) == set(Cell.model_fields)


def test_help_names_every_key_and_every_option() -> None:
    keys, options = key_lines(), option_lines()
    for key in set(Cell.model_fields) - set(GROUPS):
        assert re.search(rf"^  {key}\b", keys, flags=re.MULTILINE), key
    for option in OPTIONS:
        assert re.search(rf"^  {option.partition('=')[2]}( |$)", options, flags=re.MULTILINE), (
            option
        )
    assert "  _" not in options, "shared files are no options"


def test_an_opening_ends_with_its_first_sentence(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text("# One (Li et al. 2023), or\n# two. Three.\n# python -m clip_har\na: 1\n")
    found = header_of(path)
    assert found.first_sentence == "One (Li et al. 2023), or two"
    assert found.commands == "python -m clip_har"


@pytest.mark.parametrize(
    ("mask", "ratio"),
    [("percent", 0.3), ("shape", 0.3), ("feature", None), ("isolation", None), ("away", None)],
)
def test_the_default_ratio_is_the_masks_own_and_a_typed_one_wins(
    mask: str, ratio: float | None
) -> None:
    at = (f"masking={mask}", "region=motion")
    assert cell_from_config(composed(*at)).masking.ratio == ratio
    assert cell_from_config(composed(*at, "ratio=0.1")).masking.ratio == 0.1
    assert cell_from_config(composed(*at, "masking.ratio=0.2")).masking.ratio == 0.2


@pytest.mark.parametrize("group", ["model=clip_vit_b32", "region=prompted"])
def test_a_local_folder_has_no_revision_of_the_hub(group: str, tmp_path: Path) -> None:
    name = group.partition("=")[0]
    hub = composed(group, "dataset.cache_dir=/nowhere")
    assert without_hub_revision(hub) == hub
    assert OmegaConf.select(hub, f"{name}.revision")
    local = without_hub_revision(composed(group, f"{name}.checkpoint={tmp_path}"))
    assert OmegaConf.select(local, f"{name}.revision") is None


@pytest.mark.parametrize(("typed", "on_cpu", "on_gpu"), [([], 32, 256), (["batch_size=7"], 7, 7)])
def test_an_accelerator_gets_more_frames_in_a_pass(typed, on_cpu, on_gpu):
    cell = cell_from_config(composed(*typed))
    assert cell.batch_for("cpu") == on_cpu
    assert {cell.batch_for(name) for name in ("cuda", "cuda:1", "mps", "xpu")} == {on_gpu}
