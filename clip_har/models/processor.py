"""What a checkpoint's image processor does, as transformers reads it, in this package's terms."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clip_har.core.errors import ClipHarError
from clip_har.core.imports import quick_imports
from clip_har.data.sampling import Fitting, Resample
from clip_har.models.checkpoint import MODEL, PREPROCESSOR, VIDEO_PREPROCESSOR, image_size

_RESAMPLE: dict[Any, Resample] = {2: "bilinear", 3: "bicubic"}  # as PIL numbers them
# Those that resize, cut, rescale and normalise in this order and do nothing else.
_KNOWN = (
    "BitImageProcessor",
    "CLIPImageProcessor",
    "SiglipImageProcessor",
    "VideoMAEImageProcessor",
    "ViTImageProcessor",
)
_CHANNELS = 3
_LARGEST = 4096  # px; a damaged number must not fill the memory
_OWN_CHOICE = "repair the file, or set frames.fit and frames.resample"

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class PixelScale:
    """How grey levels become a model's input: ``(x / levels - mean) / std``.

    Attributes:
        mean: per channel; 0 without normalisation.
        std: per channel; 1 without normalisation.
        levels: the grey level that becomes 1; 1 without rescaling.
    """

    mean: Channels
    std: Channels
    levels: float = 255.0


def pixel_scale(folder: Path, *, setting: str = MODEL, processor: Any | None = None) -> PixelScale:
    """Return how a checkpoint's image processor rescales and normalises.

    Args:
        folder: the checkpoint.
        setting: the key that names the checkpoint, for messages.
        processor: see `square`.

    Raises:
        ClipHarError: when the file is missing or damaged, or a number cannot be used.
    """
    if processor is None:
        processor = image_processor(folder, setting=setting)
    mean, std, levels = (0.0,) * _CHANNELS, (1.0,) * _CHANNELS, 1.0
    try:
        if processor.do_normalize:
            mean, std = _channels(processor.image_mean), _channels(processor.image_std)
        if processor.do_rescale:
            levels = 1 / float(processor.rescale_factor)
        if not (all(one > 0 for one in std) and levels > 0):
            raise ValueError
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ClipHarError(
            f"{setting}={folder}: expected image_mean and image_std of three channels (std above 0)"
            f" and a rescale_factor above 0 in {_file(folder)}"
        ) from error
    return PixelScale((mean[0], mean[1], mean[2]), (std[0], std[1], std[2]), levels)


def fitting(folder: Path) -> Fitting:
    """Return how a checkpoint's image processor fits a frame to the model's square input.

    Raises:
        ClipHarError: when its output is not the model's input for frames of every size.
    """
    size, (found, side) = image_size(folder), square(folder)
    if side != size:
        raise ClipHarError(
            f"{MODEL}={folder}: {_file(folder)} gives frames of {side} px, and the model takes"
            f" {size} px; {_OWN_CHOICE}"
        )
    return found._replace(edge=None if found.edge == size else found.edge)


def square(
    folder: Path, *, setting: str = MODEL, processor: Any | None = None
) -> tuple[Fitting, int]:
    """Return how an image processor fits frames to a square, and the square's side in pixels.

    Args:
        folder: the checkpoint.
        setting: the key that names the checkpoint, for messages.
        processor: of the checkpoint, if it is not the image processor that `image_processor` knows:
            one of videos, or of another kind, which is read as if it were known.

    Raises:
        ClipHarError: when it does not make squares of one size, or resizes by other rules.
    """
    advice = f"; {_OWN_CHOICE}" if setting == MODEL and processor is None else ""
    if processor is None:
        processor = image_processor(folder, setting=setting)

    def refuse(what: str) -> ClipHarError:
        return ClipHarError(f"{setting}={folder}: {what} in {_file(folder)}{advice}")

    resample = processor.resample
    if resample is None and processor.do_resize:
        resample = 2  # as transformers resizes without it
    if processor.do_resize and resample not in _RESAMPLE:
        raise refuse(f"expected resample 2 (bilinear) or 3 (bicubic), got {resample!r}")
    kind = _RESAMPLE.get(resample, "bicubic")
    if getattr(processor, "do_pad", None):
        raise refuse("expected do_pad false, got true")
    size, crop = _sides(processor.size), _sides(processor.crop_size)
    for value in (*size.values(), *crop.values()):
        if not (isinstance(value, int) and 1 <= value <= _LARGEST):
            raise refuse(f"expected sizes of 1 to {_LARGEST} px, got {value!r}")
    if processor.do_center_crop:
        if not ({"height", "width"} == set(crop) and crop["height"] == crop["width"]):
            raise refuse(f"expected a crop_size of equal height and width, got {crop or None}")
        side = crop["height"]
        if not processor.do_resize:
            return Fitting("centre", kind), side
        if set(size) == {"shortest_edge"}:
            return Fitting("crop", kind, size["shortest_edge"]), side
    elif not processor.do_resize:
        raise refuse("do_resize and do_center_crop are false, so that frames keep their own size")
    if not ({"height", "width"} == set(size) and size["height"] == size["width"]):
        allowed = " or a shortest_edge" if processor.do_center_crop else ""
        raise refuse(f"expected a size of equal height and width{allowed}, got {size or None}")
    edge = size["height"]
    return Fitting("squash", kind, edge), side if processor.do_center_crop else edge


def image_processor(
    folder: Path, *, setting: str = MODEL, kinds: Sequence[str] | None = _KNOWN
) -> Any:
    """Return transformers' image processor of a checkpoint; its own rules fill in what is missing.

    ``processor_config.json`` wins over ``preprocessor_config.json``, as in transformers.

    Args:
        folder: the checkpoint.
        setting: the key that names the checkpoint, for messages.
        kinds: names of the classes that are accepted; None for all.

    Raises:
        ClipHarError: when it is missing, damaged, or of a kind that is not known.
    """
    try:
        with quick_imports():
            from transformers import AutoImageProcessor

            processor = AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:  # a damaged file may cause any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(
            f"{setting}={folder}: {_file(folder)} is missing or damaged ({reason})"
        ) from error
    kind = type(processor).__name__
    if kinds is not None and kind not in kinds:
        raise ClipHarError(
            f"{setting}={folder}: expected one of {', '.join(kinds)} as image_processor_type in"
            f" {_file(folder)}, got {kind}"
        )
    return processor


def video_processor(folder: Path) -> Any:
    """Return transformers' video processor of a checkpoint.

    Raises:
        ClipHarError: when it is missing or damaged.
    """
    try:
        with quick_imports():
            from transformers import AutoVideoProcessor

            return AutoVideoProcessor.from_pretrained(  # type: ignore[no-untyped-call]
                folder, local_files_only=True, trust_remote_code=False
            )
    except Exception as error:  # a damaged file may cause any error
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise ClipHarError(
            f"{MODEL}={folder}: {VIDEO_PREPROCESSOR} (or the video_processor of {PREPROCESSOR[1]})"
            f" is missing or damaged ({reason})"
        ) from error


def _file(folder: Path) -> str:
    """Return the name of the file that transformers takes the image or video processor from."""
    old, new = PREPROCESSOR
    if (folder / VIDEO_PREPROCESSOR).is_file():
        old = VIDEO_PREPROCESSOR
    try:
        return new if "image_processor" in (folder / new).read_text(encoding="utf-8") else old
    except (OSError, UnicodeDecodeError):
        return old


def _sides(size: Any) -> dict[str, Any]:
    """Return the sides that a size names, in pixels."""
    named = {} if size is None else dict(size)
    return {key: value for key, value in named.items() if value is not None}


def _channels(values: Any) -> tuple[float, ...]:
    if isinstance(values, int | float):
        return (float(values),) * _CHANNELS
    found = tuple(float(value) for value in values)
    if len(found) != _CHANNELS:
        raise ValueError
    return found
