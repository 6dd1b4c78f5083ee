"""What an open_clip checkpoint says of itself: input, texts, and how it must be built."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.data.sampling import Fit, Fitting, Resample
from clip_har.models.checkpoint import MODEL, read_json
from clip_har.models.open_clip.checkpoint import CONFIG, Checkpoint
from clip_har.models.open_clip.library import architecture_config, entry
from clip_har.models.processor import PixelScale

log = logging.getLogger(__name__)

_FITS: dict[str, Fit] = {"shortest": "crop_even", "squash": "squash", "longest": "letterbox"}
_RESAMPLES: dict[str, Resample] = {
    "bicubic": "pillow_bicubic",
    "bilinear": "pillow_bilinear",
    "random": "pillow_bicubic",  # random in training only
}
_CONTEXT = 77  # tokens, if the configuration does not say it
# What the library uses where the file says nothing.
DEFAULTS: dict[str, Any] = {
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "std": (0.26862954, 0.26130258, 0.27577711),
    "interpolation": "bicubic",
    "resize_mode": "shortest",
    "fill_color": 0,
}
_PREPROCESS = ("mean", "std", "interpolation", "resize_mode")  # what the table knows, too
_TOKENIZER_KEYS = ("additional_special_tokens", "clean", "language", "strip_sep_token")
_LARGEST = 10_000_000  # of any whole number; a damaged one must not fill the memory


@dataclass(frozen=True)
class OpenClipConfig:
    """The settings of a checkpoint.

    Attributes:
        checkpoint: whose they are.
        model: its ``model_cfg``.
        image_size: side of the square input, pixels.
        context_length: longest text, in tokens.
        scale: of the pixels.
        fitting: of the frames.
        overrides: what the library's table says instead of the file, as `open_clip.create_model`
            takes it.
    """

    checkpoint: Checkpoint
    model: Mapping[str, Any]
    image_size: int
    context_length: int
    scale: PixelScale
    fitting: Fitting
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def vision(self) -> Mapping[str, Any]:
        """Its ``vision_cfg``."""
        found: Mapping[str, Any] = self.model["vision_cfg"]
        return found

    @property
    def text(self) -> Mapping[str, Any]:
        """Its ``text_cfg``."""
        found: Mapping[str, Any] = self.model["text_cfg"]
        return found

    @property
    def has_own_tokenizer(self) -> bool:
        """Whether the tokenizer's files lie in the folder; else it is CLIP's, of the library."""
        return bool(self.text.get("hf_tokenizer_name"))

    @cached_property
    def text_tower(self) -> Path | None:
        """Folder with the ``config.json`` of a text tower of transformers; None for the library's.

        Raises:
            ClipHarError: when it is not on this machine and the hub does not give it.
        """
        name = self.text.get("hf_model_name")
        return None if not name else _text_tower(str(name), self.checkpoint.name)

    def digest(self) -> str:
        """Return a digest of all that is read of the checkpoint.

        Settings count as they are used: it does not matter whether a file says them or a tag.
        """
        tower = self.text_tower
        used = {
            **self.model,
            "vision_cfg": {**self.vision, "image_size": self.image_size},
            "text_cfg": {**self.text, "context_length": self.context_length},
            "quick_gelu": self.overrides.get("quick_gelu", _gist(self.model)["quick_gelu"]),
        }
        return self.checkpoint.digest(
            {"model": used, "pixels": [*self.scale.mean, *self.scale.std], "fit": self.fitting},
            more=() if tower is None else (tower / "config.json",),
            words=self.has_own_tokenizer,
        )


def read_config(checkpoint: Checkpoint) -> OpenClipConfig:
    """Read the settings of a checkpoint; those of the library's table count before the file's.

    Raises:
        ClipHarError: when they are damaged, or ask for what this package cannot do.
    """
    content = read_json(checkpoint.folder, CONFIG)
    model, given = content.get("model_cfg"), content.get("preprocess_cfg") or {}
    if not (isinstance(model, dict) and isinstance(given, dict)):
        raise _refusal(checkpoint, "expected model_cfg and preprocess_cfg, JSON objects")
    vision, text = model.get("vision_cfg"), model.get("text_cfg")
    if not (isinstance(vision, dict) and isinstance(text, dict)):
        raise _refusal(checkpoint, "expected vision_cfg and text_cfg in model_cfg")
    _check_sources(checkpoint, vision, text)
    _check_numbers(checkpoint, model)
    pixels = DEFAULTS | {key: given[key] for key in DEFAULTS if given.get(key) is not None}
    size, context = vision.get("image_size", 224), text.get("context_length") or _CONTEXT
    overrides: dict[str, Any] = {}
    if checkpoint.tag is not None:
        table, own = _table(checkpoint)
        overrides = _overrides(model, own)
        _warn_of_other_settings(checkpoint, own, pixels | _gist(model))
        pixels |= table
        size, context = own["image_size"], own["context_length"]
    return OpenClipConfig(
        checkpoint,
        model,
        image_size=_side(checkpoint, size),
        context_length=int(context),
        scale=PixelScale(
            _channels(checkpoint, "mean", pixels["mean"]),
            _channels(checkpoint, "std", pixels["std"]),
        ),
        fitting=_fitting(checkpoint, pixels),
        overrides=overrides,
    )


def _gist(model: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a tag and a file may say differently of a model."""
    return {
        "image_size": model["vision_cfg"].get("image_size", 224),
        "context_length": model["text_cfg"].get("context_length") or _CONTEXT,
        "quick_gelu": bool(model.get("quick_gelu", False)),
    }


def _table(checkpoint: Checkpoint) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what the library's table says: of the pixels, and of all."""
    assert checkpoint.tag is not None  # noqa: S101, the caller asked
    found = entry(checkpoint.tag)
    own = _gist(architecture_config(checkpoint.tag.architecture))
    # The library warns if the two differ: the weights were trained as their tag says.
    own["quick_gelu"] |= bool(found.get("quick_gelu", False))
    pixels = {key: found[key] for key in _PREPROCESS if found.get(key) is not None}
    return pixels, own | pixels


def _overrides(model: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    file = _gist(model)
    changed = {key for key in file if file[key] != own[key]}
    names = {"image_size": "force_image_size", "context_length": "force_context_length"}
    return {names.get(key, key): own[key] for key in sorted(changed)}


def _warn_of_other_settings(
    checkpoint: Checkpoint, table: Mapping[str, Any], file: Mapping[str, Any]
) -> None:
    def plain(value: Any) -> Any:
        return [round(one, 6) for one in value] if isinstance(value, list | tuple) else value

    differ = [
        f"{key}={plain(value)}, not {plain(file[key])}"
        for key, value in table.items()
        if plain(value) != plain(file[key])
    ]
    if differ:
        _warn_once(checkpoint.name, "; ".join(differ))


@cache  # the settings are read several times for each cell
def _warn_once(name: str, differences: str) -> None:
    log.warning(
        "%s=%s: open_clip's table is used where it differs from the repository's %s: %s",
        MODEL, name, CONFIG, differences,
    )  # fmt: skip


def _check_sources(
    checkpoint: Checkpoint, vision: Mapping[str, Any], text: Mapping[str, Any]
) -> None:
    """Refuse settings that would fetch or run something else, or make texts random."""
    name = vision.get("timm_model_name")
    if name is not None and (not isinstance(name, str) or set(name) & set(":/\\")):
        raise _refusal(checkpoint, f"expected timm_model_name, a name of timm's own, got {name!r}")
    keys = text.get("tokenizer_kwargs") or {}
    if unread := sorted(set(keys) - set(_TOKENIZER_KEYS)):
        why = " (it cuts long texts at random)" if unread[0] == "reduction_mask" else ""
        raise _refusal(
            checkpoint,
            f"tokenizer_kwargs.{unread[0]} is not used here{why}: remove it if the model is meant"
            " without it",
        )


def _check_numbers(checkpoint: Checkpoint, node: Any, name: str = "model_cfg") -> None:
    """Refuse whole numbers that no model has."""
    if isinstance(node, dict):
        for key, value in node.items():
            _check_numbers(checkpoint, value, f"{name}.{key}")
    elif isinstance(node, int) and abs(node) > _LARGEST:
        raise _refusal(checkpoint, f"expected {name} of at most {_LARGEST:,}, got {node:,}")


def _side(checkpoint: Checkpoint, size: Any) -> int:
    sides = size if isinstance(size, list) and len(size) == 2 else [size, size]
    if not (sides[0] == sides[1] and isinstance(sides[0], int) and sides[0] >= 1):
        raise _refusal(checkpoint, f"expected a square image_size, pixels, got {size!r}")
    return sides[0]


def _channels(checkpoint: Checkpoint, name: str, value: Any) -> tuple[float, float, float]:
    values = value if isinstance(value, list | tuple) else [value] * 3
    numbers = [one for one in values if isinstance(one, int | float) and not isinstance(one, bool)]
    least = 0 if name == "std" else float("-inf")
    if len(numbers) != 3 or len(values) != 3 or min(numbers) <= least or value == 0:
        raise _refusal(checkpoint, f"expected preprocess_cfg.{name} of three channels, got {value}")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _fitting(checkpoint: Checkpoint, pixels: Mapping[str, Any]) -> Fitting:
    mode, interpolation = pixels["resize_mode"], pixels["interpolation"]
    if mode not in _FITS:
        raise _refusal(checkpoint, f"expected resize_mode {', '.join(_FITS)}, got {mode!r}")
    if interpolation not in _RESAMPLES:
        raise _refusal(
            checkpoint, f"expected interpolation bicubic or bilinear, got {interpolation!r}"
        )
    if mode == "longest" and pixels["fill_color"] not in (0, None):
        raise _refusal(checkpoint, f"expected fill_color 0 (black), got {pixels['fill_color']!r}")
    return Fitting(_FITS[mode], _RESAMPLES[interpolation])


def _text_tower(name: str, checkpoint: str) -> Path:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    file = Path(name).expanduser() / "config.json"
    try:
        if not file.is_file():
            try:
                file = Path(hf_hub_download(name, file.name, local_files_only=True))
            except LocalEntryNotFoundError:
                file = Path(hf_hub_download(name, file.name))
        content = json.loads(file.read_text(encoding="utf-8"))
    except Exception as error:  # of whichever HTTP client the hub's library uses
        raise ClipHarError(
            f"{MODEL}={checkpoint}: its text tower is {name} of the hub, whose config.json is not"
            f" on this machine: fetch it where there is a network (hf download {name} config.json"
            f" --local-dir FOLDER), and set hf_model_name in {CONFIG} to that folder"
        ) from error
    if "auto_map" in content:
        raise ClipHarError(f"{MODEL}={checkpoint}: {name} names code of its own, which is not run")
    return file.parent


def _refusal(checkpoint: Checkpoint, what: str) -> ClipHarError:
    return ClipHarError(f"{MODEL}={checkpoint.name}: {what}, in {CONFIG}")
