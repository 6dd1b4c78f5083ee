"""What one cell of a study is: Hydra's root schema, and the checked settings made from it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING
from pydantic import Field, WithJsonSchema, field_validator

from clip_har.core.settings import Settings
from clip_har.data.shards import Shard
from clip_har.masking.aimed import AimedMask
from clip_har.masking.feature import FeatureMask
from clip_har.noise.learned.settings import LearningSettings, TrainMasks, TrainRatios
from clip_har.regions.source import SUBJECT

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
        feature: the target that a mask is aimed at; counts through the mask that uses it.
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
        targets = [self.masking.feature] if self.masking.feature else []
        if isinstance(self.masking, FeatureMask) and self.masking.place == "away":
            targets.append(SUBJECT)  # it is put where the subject is not
        return any(self.region.uses_label(target) for target in targets)

    def notes(self) -> tuple[str, ...]:
        """Return what must stand beside every number of this cell."""
        found = []
        if self.uses_label:
            found.append("uses the true label")
        if isinstance(self.masking, AimedMask) and self.masking.keeps_silhouette:
            found.append("silhouette control")
        return tuple(found)
