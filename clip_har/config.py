"""What one cell of a study is: Hydra's root schema, and the checked settings made from it."""

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from pydantic import Field, ValidationError, WithJsonSchema, field_validator

from clip_har.data.shards import Shard
from clip_har.errors import ClipHarError
from clip_har.masking.aimed import AimedMask
from clip_har.masking.feature import FeatureMask
from clip_har.masking.swap import SwapMask
from clip_har.models.runtime import check_runtime
from clip_har.noise.settings import (
    EmbeddingNoise,
    Learned,
    LearnedPixels,
    LearningSettings,
    TrainMasks,
    TrainRatios,
)
from clip_har.regions.none import NoRegion
from clip_har.regions.source import PERSON, SUBJECT
from clip_har.settings import Settings

T = TypeVar("T", bound=Settings)

NO_EVIDENCE = "the model has no class token that attends to patches; a CLIP has"
"""Why some models cannot say what in a frame their answers rest on."""

GROUPS = ("dataset", "model", "prompts", "masking", "region", "noise", "tracking")
"""Configuration groups; each option names one `Settings` class under ``_target_``."""


@dataclass
class RootSchema:
    """Hydra's schema of ``conf/config.yaml``: the names and types of the root keys.

    Ranges and closed sets are checked by `Cell`; the groups check themselves.
    """

    dataset: Any = MISSING
    model: Any = MISSING
    prompts: Any = MISSING
    masking: Any = MISSING
    region: Any = MISSING
    noise: Any = MISSING
    tracking: Any = MISSING
    frames: Any = MISSING
    learning: Any = MISSING
    ratio: float | None = MISSING
    fill: str = MISSING
    feature: str = MISSING
    seed: int = MISSING
    noise_seed: int = MISSING
    train_masking: Any = MISSING
    train_ratios: Any = MISSING
    device: str = MISSING
    precision: str = MISSING
    batch_size: int = MISSING
    limit: int | None = MISSING
    shard: str | None = MISSING
    attention_clips: int = MISSING
    clean_twin: bool = MISSING
    base_model: str | None = MISSING
    overwrite: str = MISSING
    results_dir: str = MISSING
    cache_dir: str = MISSING


def register_schema() -> None:
    """Make the schema known to Hydra under the name that ``conf/config.yaml`` starts from."""
    ConfigStore.instance().store(name="root_schema", node=RootSchema)


class Cell(Settings):
    """Everything that one cell needs, checked.

    Attributes:
        dataset: a `clip_har.data.clips.ClipSource`.
        frames: which frames of a clip are decoded, and how they are fitted to the model's input.
        model: a `clip_har.models.source.ModelSource`.
        prompts: a `clip_har.prompts.prompt_set.PromptSet`.
        masking: a `clip_har.masking.area.Strategy`.
        region: a `clip_har.regions.source.RegionSource`.
        noise: what is added to the frames.
        tracking: a `clip_har.tracking.tracker.Tracking`.
        learning: how noise is learned; counts through the noise that is.
        ratio: share of the frame's pixels that is hidden, in [0, 1]; null where a mask allows it.
        fill: what is painted over hidden pixels; counts through the mask that uses it.
        feature: the thing that a mask is aimed at; counts through the mask that uses it.
        seed: of everything random but noise.
        noise_seed: of noise, learned or drawn; counts through the noise that uses it.
        train_masking: masks that noise is learned under; counts through the noise that is.
        train_ratios: their hidden shares; likewise.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps`` …
        precision: of the model's forward pass.
        batch_size: frames in one forward pass.
        limit: evaluate only this many clips, spread evenly over the data set; null for all.
        shard: show the model only the i-th of n parts of the clips, and keep its answers; the
            same cell without ``shard`` puts them together. Null for the whole cell.
        attention_clips: measure attention on so many clips, evenly spread, where a region source
            says where the subject is; 0 for none. Learned noise has a setting of its own.
        clean_twin: run the same cell without mask and noise first, where it has no result yet, and
            compare with it.
        base_model: name of the model, the last part of its checkpoint, whose errors under masks
            those of the sweep's other models are compared with; null for no comparison.
        overwrite: ``missing`` runs cells that have no finished result; ``always`` runs every cell
            again; ``never`` also leaves alone the cells that failed before.
        results_dir: finished cells, sweeps and the default tracking store.
        cache_dir: decoded frames and text classifiers, shared by all studies.
    """

    dataset: Any
    frames: Any
    model: Any
    prompts: Any
    masking: Any
    region: Any
    noise: Any
    tracking: Any
    learning: LearningSettings
    ratio: float | None = Field(ge=0, le=1)
    fill: str
    feature: str
    seed: int = Field(ge=0)
    noise_seed: int = Field(ge=0)
    train_masking: TrainMasks
    train_ratios: TrainRatios
    device: str = Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?|xpu(:\d+)?)$")
    precision: Literal["fp32", "bf16", "fp16"]
    batch_size: int = Field(ge=1)
    limit: int | None = Field(ge=1)
    shard: Annotated[Shard, WithJsonSchema({"type": "string"})] | None
    attention_clips: int = Field(ge=0)
    clean_twin: bool
    base_model: str | None
    overwrite: Literal["missing", "always", "never"]
    results_dir: Path
    cache_dir: Path

    @field_validator("shard", mode="before")
    @classmethod
    def _shard(cls, text: Any) -> Any:
        return Shard.parse(text) if isinstance(text, str) else text

    @field_validator("results_dir", "cache_dir")
    @classmethod
    def _absolute(cls, path: Path) -> Path:
        return path.expanduser().absolute()

    @property
    def uses_label(self) -> bool:
        """Whether what the model is shown depends on the clip's true label: a leak."""
        if self.noise.uses_label:
            return True
        things = [self.masking.feature] if self.masking.feature else []
        if isinstance(self.masking, FeatureMask) and self.masking.place == "away":
            things.append(SUBJECT)  # it is put where the subject is not
        return any(self.region.uses_label(thing) for thing in things)

    def notes(self) -> tuple[str, ...]:
        """Return what must stand beside every number of this cell."""
        found = []
        if self.uses_label:
            found.append("uses the true label")
        if isinstance(self.masking, AimedMask) and self.masking.keeps_silhouette:
            found.append("silhouette control")
        return tuple(found)


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


def build(node: DictConfig, key: str) -> Settings:
    """Make the settings that a node's ``_target_`` names.

    Args:
        node: a resolved-on-access mapping with ``_target_`` and the fields of its class.
        key: the node's place in the configuration, for messages.

    Raises:
        ClipHarError: when ``_target_`` is not a `Settings` class of this package, or a field is
            missing, unknown, of another type or out of range.
    """
    content: Any = node
    if OmegaConf.is_config(node):
        content = OmegaConf.to_container(node, resolve=True, throw_on_missing=True)
    if not isinstance(content, dict) or "_target_" not in content:
        raise ClipHarError(f"{key}: expected a mapping with _target_, got {content!r}")
    values = {str(name): value for name, value in content.items()}
    target = str(values.pop("_target_"))
    return _call(_settings_class(target, key), values, key)


def without_hydra(config: DictConfig) -> DictConfig:
    """Return a composed configuration without Hydra's own node."""
    return OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])


def cell_from_config(config: DictConfig) -> Cell:
    """Check a composed configuration, without Hydra's node, and turn it into a `Cell`.

    Raises:
        ClipHarError: for the first thing that is missing, wrong or impossible, in one line.
    """
    if missing := sorted(OmegaConf.missing_keys(config)):
        raise ClipHarError(f"{missing[0]} is not set: add {missing[0]}=… to the command")
    if unknown := sorted({str(key) for key in config} - set(RootSchema.__dataclass_fields__)):
        raise ClipHarError(f"{unknown[0]}: there is no such key; --cfg job lists the keys")
    root = {
        key: OmegaConf.to_container(config[key])
        if OmegaConf.is_config(config[key])
        else config[key]
        for key in RootSchema.__dataclass_fields__
        if key not in (*GROUPS, "frames")
    }
    # Root scalars first: a wrong `ratio` is reported as such, not as the mask's.
    _call(Cell, dict.fromkeys((*GROUPS, "frames")) | root, "")
    parts = {key: build(config[key], key) for key in (*GROUPS, "frames")}
    cell: Cell = _call(Cell, parts | root, "")
    _check_combination(cell)
    return cell


def _settings_class(target: str, key: str) -> type[Settings]:
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


def _call(cls: type[T], values: dict[str, Any], key: str) -> T:
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


def _check_combination(cell: Cell) -> None:
    """Refuse what each part accepts alone and the parts cannot do together."""
    if cell.shard is not None and isinstance(cell.masking, SwapMask):
        raise ClipHarError(
            f"shard={cell.shard}: masking=swap puts clips before the scenes of any others, which"
            " lie in other parts; run it without shard"
        )
    if cell.masking.feature is not None:
        cell.region.check(cell.masking.feature)
    if isinstance(cell.masking, SwapMask) and cell.region.on_empty == "whole":
        raise ClipHarError(
            "masking=swap needs a subject to put before another scene: with region.on_empty=whole"
            " a clip without one would stay as it is; use region.on_empty=skip or error"
        )
    if isinstance(cell.noise, Learned):
        _check_learned(cell, cell.noise)
    if cell.region.asks_model and not cell.model.gives_evidence:
        raise ClipHarError(f"region=relevance: {NO_EVIDENCE}; use another region source")
    check_runtime(cell.model.runtime, device=cell.device, precision=cell.precision)
    if cell.precision == "fp16" and cell.device == "cpu":
        raise ClipHarError("precision=fp16 needs an accelerator: use precision=bf16 or fp32 on cpu")


def _check_learned(cell: Cell, noise: Learned) -> None:
    """Refuse learned noise that the rest of the cell cannot give what it needs."""
    if not cell.model.single_frames:
        raise ClipHarError(
            "noise: what is learned is learned on single frames, and the model judges whole clips;"
            " use noise=none, gaussian, uniform or salt_pepper, or a model of single frames, such"
            " as a CLIP"
        )
    if noise.loss.attention > 0 and not cell.model.gives_evidence:
        raise ClipHarError(f"noise.loss.attention: {NO_EVIDENCE}; set it to 0")
    if noise.loss.attention > 0 and isinstance(noise, EmbeddingNoise):
        raise ClipHarError(
            "noise.loss.attention: noise in feature space changes no pixel that attention could"
            " move to; use noise=class_specific, or set it to 0"
        )
    if noise.needs_region and isinstance(cell.region, NoRegion):
        raise ClipHarError(
            "noise.loss.attention, and feature or isolation in noise.train_masking, must know where"
            " the subject is: add region=motion or region=annotation"
        )
    if "same" in noise.train_masking:
        _check_same_mask(cell)
    if noise.needs_region and cell.region.uses_label(SUBJECT):
        raise ClipHarError(
            "noise.train_masking, noise.loss.attention: a subject found by the true label"
            " (region.evidence=label) would teach the label; use another region source"
        )
    fixed = cell.frames.sampler in ("uniform", "middle")
    if isinstance(noise, LearnedPixels) and not noise.still and not fixed:
        raise ClipHarError(
            f"noise.still=false learns noise for each frame of a clip, and frames.sampler="
            f"{cell.frames.sampler} takes as many as a clip has: use frames.sampler=uniform"
        )


def _check_same_mask(cell: Cell) -> None:
    """Refuse to learn noise under a mask that training clips cannot be shown under."""
    known = (None, PERSON, SUBJECT)
    if isinstance(cell.masking, SwapMask) or cell.masking.feature not in known:
        raise ClipHarError(
            "train_masking=same learns noise under the cell's own mask, which must not be a swap"
            " nor be aimed at anything but the subject: name masks, such as"
            " train_masking=[none,percent]"
        )
    if cell.masking.feature is None:
        return
    if isinstance(cell.region, NoRegion):
        raise ClipHarError("train_masking=same: the mask needs region=motion or region=annotation")
    if cell.region.uses_label(SUBJECT):
        raise ClipHarError(
            "train_masking=same: a subject found by the true label (region.evidence=label) would"
            " teach the label; use another region source"
        )
