"""The settings of one cell: every root key, declared once, and Hydra's schema made from them."""

from dataclasses import make_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING
from pydantic import AfterValidator, BeforeValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, core_schema

from clip_har.config.measures import MeasureSettings
from clip_har.config.report import ReportSettings
from clip_har.core.settings import Role, Settings
from clip_har.data.clips import ClipSource
from clip_har.data.sampling import FrameSettings
from clip_har.data.shards import Shard
from clip_har.masking.mask import Mask
from clip_har.models.source import ModelSource
from clip_har.noise.learned.base import TrainMasks, TrainRatios
from clip_har.noise.learned.learning_settings import LearningSettings
from clip_har.noise.settings import NoiseSettings
from clip_har.prompts.prompt_set import PromptSet
from clip_har.regions.source import RegionSource
from clip_har.tracking.tracker import Tracking


class _Option:
    """Marks a key as a configuration group: its options were checked when they were made."""

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.any_schema()


OPTION = _Option()


def _shard(value: object) -> object:
    return Shard.parse(value) if isinstance(value, str) else value


Folder = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
ShardText = Annotated[
    Shard | None,
    BeforeValidator(_shard),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]


def explained(text: str, **bounds: Any) -> Any:
    """Return a field with the sentence that explains its key, and the bounds of its values."""
    return Field(description=text, **bounds)


class Cell(Settings):
    """All checked settings of one cell; each key has its type, sentence and role.

    ``conf/config.yaml`` holds the default values. Hydra's schema, ``--help``, the page of the
    configuration and the fingerprint are derived from here.
    """

    dataset: Annotated[ClipSource, OPTION, explained("Which clips are shown."), Role.CONTENT]
    frames: Annotated[
        FrameSettings,
        explained(
            "Which frames of a clip are decoded, and how they are fitted to the model's input."
        ),
        Role.RESULT,
    ]
    model: Annotated[ModelSource, OPTION, explained("Which checkpoint is evaluated."), Role.RESULT]
    prompts: Annotated[PromptSet, OPTION, explained("Which texts name the classes."), Role.CONTENT]
    masking: Annotated[Mask, OPTION, explained("Which pixels are hidden."), Role.RESULT]
    region: Annotated[RegionSource, OPTION, explained("How targets are found."), Role.RESULT]
    noise: Annotated[NoiseSettings, OPTION, explained("What is added to the frames."), Role.RESULT]
    tracking: Annotated[Tracking, OPTION, explained("Where results are sent."), Role.RUN]
    learning: Annotated[LearningSettings, explained("How noise is learned."), Role.NOISE]
    ratio: Annotated[
        float | None,
        explained(
            "Share of the pixels that the model sees (after the crop) that is hidden in each frame;"
            " null: exactly the target region, the"
            " default of masks that are aimed at one.",
            ge=0,
            le=1,
        ),
        Role.MASK,
    ]
    fill: Annotated[
        str,
        explained(
            "Painted over hidden pixels: black, mean, noise, blur, surround, inpaint, background or"
            " a colour."
        ),
        Role.MASK,
    ]
    feature: Annotated[
        str,
        explained("Target of a mask: subject, background, person, object or any text."),
        Role.MASK,
    ]
    seed: Annotated[int, explained("Seed of everything random except noise.", ge=0), Role.RESULT]
    noise_seed: Annotated[int, explained("Seed of noise, learned or random.", ge=0), Role.NOISE]
    train_masking: Annotated[
        TrainMasks,
        explained("Masks under which noise is learned; also feature, isolation and same."),
        Role.NOISE,
    ]
    train_ratios: Annotated[TrainRatios, explained("Hidden shares of these masks."), Role.NOISE]
    device: Annotated[
        str,
        explained(
            "Where the model runs: auto, cpu, cuda, cuda:1, mps or xpu.",
            pattern=r"^(auto|cpu|mps|cuda(:\d+)?|xpu(:\d+)?)$",
        ),
        Role.RUN,
    ]
    precision: Annotated[
        Literal["fp32", "bf16", "fp16"],
        explained(
            "Number format of the forward pass: fp32, bf16 (faster on GPUs and on processors with"
            " AMX or AVX512-BF16) or fp16 (GPUs only)."
        ),
        Role.RESULT,
    ]
    batch_size: Annotated[
        int | None,
        explained("Frames in one forward pass; null: 32 on a CPU, 256 on an accelerator.", ge=1),
        Role.RUN,
    ]
    limit: Annotated[
        int | None,
        explained("Largest number of clips, evenly spread over the data set; null: all.", ge=1),
        Role.CONTENT,
    ]
    classes: Annotated[
        str | None,
        explained(
            "Classes that several data sets share: a table with a column for each data set, or the"
            " name of one of the package's; null: the data set's own classes."
        ),
        Role.CONTENT,
    ] = None  # results of earlier versions lack it
    shard: Annotated[
        ShardText,
        explained(
            "i/n: only the i-th of n shards of the clips; null: all clips, merged from shards."
        ),
        Role.RUN,
    ]
    attention_clips: Annotated[
        int,
        explained(
            "Clips on which attention is measured, if a region source is set; 0: none.", ge=0
        ),
        Role.RESULT,
    ]
    clean_twin: Annotated[
        bool,
        explained("Run the same cell without mask and noise first, and compare with it."),
        Role.RUN,
    ]
    base_model: Annotated[
        str | None,
        explained("Model that others are compared with, by the last part of its checkpoint."),
        Role.RUN,
    ]
    measures: Annotated[
        MeasureSettings,
        explained("What is measured on top of the measures that every cell has."),
        Role.RUN,
    ] = MeasureSettings()  # results of earlier versions lack it
    report: Annotated[
        ReportSettings, explained("What reports and tables of a sweep decide with."), Role.RUN
    ] = ReportSettings()  # results of earlier versions lack it
    overwrite: Annotated[
        Literal["missing", "always", "never"],
        explained(
            "missing: run cells without a result; always: run all; never: also skip failed cells."
        ),
        Role.RUN,
    ]
    plan: Annotated[
        bool,
        explained("Print the cells, which of them have a result, and their cost; run none."),
        Role.RUN,
    ] = False  # results of earlier versions lack it
    results_dir: Annotated[
        Folder, explained("Folder of finished cells, sweeps and the tracking store."), Role.RUN
    ]
    cache_dir: Annotated[
        Folder, explained("Folder of decoded frames, region maps and text classifiers."), Role.RUN
    ]

    @property
    def uses_label(self) -> bool:
        """Whether the frames that the model sees depend on the true label: a leak."""
        found = map(self.region.uses_label, self.masking.targets)
        return self.noise.uses_label or any(found)

    @property
    def finds_regions(self) -> bool:
        """Whether targets are looked for in the cell's clips."""
        if not self.region.finds_regions:
            return False
        return self.region.every_mask or bool(self.masking.targets) or self.noise.needs_region

    def batch_for(self, device: str) -> int:
        """Return the frames in one forward pass; an accelerator needs many to be kept busy.

        Args:
            device: where the model runs, such as ``cpu`` or ``cuda:0``.
        """
        return self.batch_size or (32 if device == "cpu" else 256)

    def notes(self) -> tuple[str, ...]:
        """Return the warnings that must be shown with every number of this cell."""
        notes = {
            "uses the true label": self.uses_label,
            "silhouette control": self.masking.keeps_silhouette,
        }
        return tuple(note for note, holds in notes.items() if holds)


GROUPS = tuple(name for name, field in Cell.model_fields.items() if OPTION in field.metadata)
"""Configuration groups; each option names its `Settings` class in ``_target_``."""


def register_schema() -> None:
    """Give Hydra the names and types of the root keys; ``conf/config.yaml`` extends them."""
    keys = {name: _hydra_type(field.annotation) for name, field in Cell.model_fields.items()}
    typed = [(name, Any if name in GROUPS else kind, MISSING) for name, kind in keys.items()]
    ConfigStore.instance().store(name="root_schema", node=make_dataclass("RootSchema", typed))


def _hydra_type(annotation: Any) -> Any:
    """Return the nearest type that OmegaConf knows; ranges and closed sets are checked by `Cell`.

    Example:
        >>> _hydra_type(Literal["fp32", "bf16"]), _hydra_type(tuple[int, ...])
        (<class 'str'>, typing.Any)
        >>> _hydra_type(int | None)
        int | None
    """
    if NoneType in (choices := get_args(annotation)):
        return _hydra_type(choices[0]) | None
    if annotation in (int, float, bool, str):
        return annotation
    return str if annotation in (Path, Shard) or get_origin(annotation) is Literal else Any
