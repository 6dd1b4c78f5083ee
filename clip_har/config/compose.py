"""From Hydra's configuration to checked cells: where ``conf/`` is, sweeps expanded, clean twins."""

import itertools
from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from clip_har.config.cell import GROUPS, Cell
from clip_har.config.checks import check_combination
from clip_har.core.code_version import PACKAGE
from clip_har.core.errors import ClipHarError
from clip_har.core.settings import Settings, option_name
from clip_har.models.checkpoint import local_folder
from clip_har.regions.auto import AutoRegion

T = TypeVar("T", bound=Settings)

_PACKED = PACKAGE / "conf"
CONFIG_DIR = _PACKED if _PACKED.is_dir() else PACKAGE.parent / "conf"
"""Hydra's tree: packed into an installed wheel, at the top level of a checkout."""


def clean_config(config: DictConfig) -> DictConfig:
    """Return the configuration of a cell's clean twin: the same, without mask and noise.

    Args:
        config: a composed configuration, without Hydra's node.
    """
    twin = OmegaConf.create(OmegaConf.to_container(config, resolve=True))
    assert isinstance(twin, DictConfig)  # noqa: S101, as its source is
    twin.masking = {"_target_": "clip_har.masking.none.NoMask"}
    twin.noise = {"_target_": "clip_har.noise.none.NoNoise"}
    return twin


def build(node: Any, key: str) -> Settings:
    """Make the settings that a node's ``_target_`` names.

    Args:
        node: a mapping with ``_target_`` and the fields of its class, of OmegaConf or a plain one.
        key: the key of the node in the configuration, for messages.

    Raises:
        ClipHarError: when ``_target_`` is not a `Settings` class of this package, or a field is
            missing, unknown, of another type or out of range.
    """
    content = _plain(node)
    if not isinstance(content, dict) or "_target_" not in content:
        raise ClipHarError(f"{key}: expected a mapping with _target_, got {content!r}")
    values = {str(name): value for name, value in content.items()}
    target = str(values.pop("_target_"))
    return checked(settings_class(target, key), values, key)


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a composed configuration without Hydra's own node."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def without_hub_revision(config: DictConfig) -> DictConfig:
    """Return a configuration as it is recorded: a local folder has no revision of the hub.

    An option names a commit of its own checkpoint; it says nothing about a folder that is used
    instead.

    Args:
        config: a composed configuration, without Hydra's own node.
    """
    recorded = config.copy()
    for node in (recorded.model, recorded.region):
        checkpoint = OmegaConf.select(node, "checkpoint")  # None if it is missing, too
        local = checkpoint is not None and local_folder(str(checkpoint)) is not None
        if local and "revision" in node:
            node.revision = None
    return recorded


def without_auto(
    config: DictConfig, choices: Mapping[str, Any]
) -> tuple[DictConfig, Mapping[str, Any]]:
    """Return a configuration and its choices with the source that ``region=auto`` stands for.

    Args:
        config: a composed configuration, without Hydra's own node.
        choices: the chosen option of each configuration group.

    Raises:
        ClipHarError: when the options of ``region`` or ``dataset`` are wrong.
    """
    if choices.get("region") != "auto":
        return config, choices
    source = _source(build(config.region, "region"), build(config.dataset, "dataset"))
    recorded = config.copy()
    kind = type(source)
    target = f"{kind.__module__}.{kind.__qualname__}"
    recorded.region = {"_target_": target, **source.model_dump(mode="json")}
    return recorded, {**choices, "region": option_name(kind.__name__, "Region")}


def _source(region: Any, dataset: Any) -> Any:
    is_auto = isinstance(region, AutoRegion)
    return region.source(brings_maps=dataset.brings_maps) if is_auto else region


def cell_from_config(config: DictConfig) -> Cell:
    """Check a composed configuration, without Hydra's node, and turn it into a `Cell`.

    Raises:
        ClipHarError: for the first value that is missing, wrong or impossible, in one line.
    """
    try:
        return _checked_cell(config)
    except OmegaConfBaseException as error:  # such as seed=${nope}
        raise ClipHarError(value_fault(error)) from error


def value_fault(error: OmegaConfBaseException) -> str:
    """Return one line about a value that cannot be read, such as a wrong interpolation."""
    reason = str(error).splitlines()[0]
    key = str(error.full_key) if error.full_key else ""
    return f"{key}: {reason[:1].lower()}{reason[1:]}" if key else reason


def _checked_cell(config: DictConfig) -> Cell:
    try:
        settings = _plain(config)
    except OmegaConfBaseException:
        # Looked for only now: it takes five times as long as all the rest.
        if missing := sorted(OmegaConf.missing_keys(config)):
            raise ClipHarError(
                f"{missing[0]} is not set: add {missing[0]}=… to the command"
            ) from None
        _refuse_unknown(config)
        raise
    return cell_of(settings)


def cell_of(settings: Mapping[str, Any]) -> Cell:
    """Check settings, and turn them into a `Cell`.

    Args:
        settings: a composed configuration as a plain mapping, without Hydra's node.

    Raises:
        ClipHarError: for the first value that is missing, wrong or impossible, in one line.
    """
    _refuse_unknown(settings)
    root = {key: value for key, value in settings.items() if key not in GROUPS}
    root["frames"] = build(settings.get("frames"), "frames")
    # Root keys first: a wrong `ratio` is reported as such, not as the mask's.
    checked(Cell, root | dict.fromkeys(GROUPS), "")
    options: dict[str, Any] = {group: build(settings.get(group), group) for group in GROUPS}
    options["region"] = _source(options["region"], options["dataset"])
    cell = checked(Cell, root | options, "")
    check_combination(cell)
    return cell


def _refuse_unknown(settings: Mapping[Any, Any]) -> None:
    if unknown := sorted({str(key) for key in settings} - set(Cell.model_fields)):
        raise ClipHarError(f"{unknown[0]}: there is no such key; --cfg job lists the keys")


def _plain(value: Any) -> Any:
    if not OmegaConf.is_config(value):
        return value
    return OmegaConf.to_container(value, resolve=True, throw_on_missing=True)


def settings_class(target: str, key: str) -> type[Settings]:
    """Return the class that a ``_target_`` names.

    Args:
        target: its path, such as ``clip_har.masking.none.NoMask``.
        key: the key of the node in the configuration, for messages.

    Raises:
        ClipHarError: when it is not a `Settings` class of this package.
    """
    module, _, name = target.rpartition(".")
    if not module.startswith("clip_har."):
        raise ClipHarError(f"{key}._target_={target}: only classes of clip_har can be named here")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ClipHarError(f"{key}._target_={target}: no such class ({error})") from error
    if not (isinstance(found, type) and issubclass(found, Settings)):
        raise ClipHarError(f"{key}._target_={target}: expected a Settings class of clip_har")
    return found


def checked(cls: type[T], values: dict[str, Any], key: str) -> T:
    """Make settings of a class from values.

    Args:
        cls: the class.
        values: by field.
        key: their key in the configuration, for messages; empty at its root.

    Raises:
        ClipHarError: when a value is missing, unknown, of another type or out of range.
    """
    try:
        return cls(**values)
    except ValidationError as error:
        raise ClipHarError(_one_line(error, key)) from error


def _one_line(error: ValidationError, key: str) -> str:
    lines = []
    for fault in error.errors(include_url=False):
        place = ".".join(str(part) for part in (key, *fault["loc"]) if part != "")
        message = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "missing":
            lines.append(f"{place} is not set")
        elif fault["type"] == "extra_forbidden":
            lines.append(f"{place}: there is no such key")
        elif isinstance(fault["input"], dict):
            lines.append(f"{place}: {message}")
        else:
            shown = "null" if fault["input"] is None else fault["input"]
            lines.append(f"{place}={shown}: {message[:1].lower()}{message[1:]}")
    return "; ".join(lines)


def expand(words: list[str], loader: ConfigLoader) -> list[list[str]]:
    """Return the overrides of each cell, as Hydra's basic sweeper expands them.

    Args:
        words: overrides, where a value such as ``a,b`` stands for several cells.
        loader: the loader of the configuration.
    """
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(words)
    batches = BasicSweeper.split_arguments(parsed, max_batch_size=None)
    return list(itertools.chain.from_iterable(batches))
