"""Which frames of a clip are sampled, in which order they are shown, and how they are fitted."""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from clip_har.core.errors import ClipHarError
from clip_har.core.seeding import generator
from clip_har.core.settings import Role, Settings

_TICK_SLACK = 1e-6  # s; presentation times are fractions, ticks are sums of floats

Fit = Literal["crop", "crop_even", "squash", "letterbox", "centre"]
FITS_WITH_VIEWS: tuple[Fit, ...] = ("crop", "crop_even")
"""They cut a square out of a frame, so several squares can be cut."""
Resample = Literal["bicubic", "bilinear", "pillow_bicubic", "pillow_bilinear"]
Order = Literal["forward", "reversed", "shuffled", "single"]


class SamplingError(ClipHarError):
    """More frames of a clip would be kept than the settings allow."""


class Fitting(NamedTuple):
    """How a frame of any size becomes a square.

    Attributes:
        fit: see `FrameSettings`.
        resample: how pixels are interpolated.
        edge: see `FrameSettings`; None: the square's own. With ``letterbox``: the rows in the
            middle of the square that the model sees, see `clip_har.data.geometry.placement`.
    """

    fit: Fit
    resample: Resample
    edge: int | None = None


class FrameSettings(Settings):
    """How clips become frames.

    Samplers (n frames in the clip, T kept):

    - ``uniform``: the centres of ``count`` equal segments, ``floor((i + 0.5) n / T)``, as TSN
      samples for testing (Wang et al., ECCV 2016); shorter clips repeat frames, so T is fixed.
    - ``middle``: the one frame at ``n // 2``.
    - ``every``: frames 0, ``step``, 2 ``step``, …
    - ``fps``: the frames on screen at the ticks of a clock with ``fps`` ticks per second, from the
      first frame on; also right for variable frame rates.

    Attributes:
        sampler: one of these.
        count: frames per clip of ``uniform``.
        step: distance of the frames of ``every``.
        fps: frames per second of ``fps``.
        max_frames: largest number of frames that ``every`` and ``fps`` keep; if there are more,
            they are thinned evenly over the clip. None = no limit.
        order: in which order the kept frames reach the model, see `frame_order`. Frames are
            decoded, masked and searched for targets in their own order: each keeps its mask.
        crops: 3 shows each kept frame as three views, the first, middle and last square along its
            longer side, as video papers test (Wang et al. 2018, "Non-local neural networks"): all
            frames of the first view, then of the middle one, then of the last. 1: the centre.
        fit: ``crop`` (shortest edge to ``edge``, then the centre square), ``crop_even`` (the same,
            but an odd number of pixels is divided between the sides as torchvision and open_clip
            do: at most one pixel beside ``crop``), ``squash`` (to a square of ``edge``, aspect
            lost, then its centre), ``letterbox`` (whole frame, black bars) or ``centre`` (not
            resized, the centre square); None = as the model was trained.
            Where the square reaches beyond the frame it is black.
        resample: how pixels are interpolated, always antialiased: by torchvision, as transformers
            does, or by Pillow, as open_clip does (at most 2 of 255 grey levels beside the former);
            None = as the model was trained.
        size: edge of the square that the model sees, in pixels; None = the model's own.
        edge: length in pixels that ``crop`` and ``squash`` resize to before they take the centre
            square; None = as the model was trained, or ``size`` if ``fit`` is set.
        on_error: for clips that cannot be decoded: ``stop`` stops the run if more than
            ``max_failed`` of the clips fail, ``skip`` only lists and counts them.
        max_failed: largest share of failed clips, in [0, 1], that ``stop`` accepts.
        workers: decoding threads; None = one per core.
        resident: whether the frames of all clips stay on the model's device for all cells that run
            in one process; ``auto``: on a CUDA device, if they fit into half of its free memory
            (30,000 frames of 224 px take 4.5 GB). On a CPU nothing is copied either way.
        max_pixels: largest number of pixels of a frame; larger ones count as broken (default: 8K).
            With ``max_length`` it limits the cost of a file from an unknown source.
        max_length: largest number of frames of a video.
        timeout: seconds that decoding one clip may take. After that the run stops and names the
            clip, because the speed of a machine must not decide which clips are evaluated.
    """

    sampler: Literal["uniform", "middle", "every", "fps"] = "uniform"
    count: int = Field(default=8, ge=1)
    step: int = Field(default=8, ge=1)
    fps: float = Field(default=1.0, gt=0, le=1000)
    max_frames: int | None = Field(default=None, ge=1)
    order: Order = "forward"
    crops: Literal[1, 3] = 1
    fit: Fit | None = "crop"
    resample: Resample | None = "bicubic"
    size: int | None = Field(default=None, ge=1)
    edge: int | None = Field(default=None, ge=1)
    on_error: Annotated[Literal["skip", "stop"], Role.RUN] = "stop"
    max_failed: Annotated[float, Field(ge=0, le=1), Role.RUN] = 0.01
    workers: Annotated[int | None, Field(ge=1), Role.RUN] = None
    resident: Annotated[Literal["auto", True, False], Role.RUN] = "auto"
    max_pixels: int = Field(default=7680 * 4320, ge=1)
    max_length: int = Field(default=1_000_000, ge=1)
    timeout: Annotated[float, Field(gt=0), Role.RUN] = 600.0

    def sampling_key(self) -> dict[str, str | int | float | None]:
        """Return the settings that decide which frames are kept, without their order."""
        relevant: dict[str, tuple[str, ...]] = {
            "uniform": ("count",),
            "middle": (),
            "every": ("step", "max_frames"),
            "fps": ("fps", "max_frames"),
        }
        bounds = ("max_pixels", "max_length")
        views = ("crops",) if self.crops > 1 else ()
        fields = ("sampler", *relevant[self.sampler], *bounds, *views)
        return {field: getattr(self, field) for field in fields}

    @model_validator(mode="after")
    def _edge_is_used(self) -> Self:
        if self.edge is not None and self.fit in ("letterbox", "centre"):
            raise ValueError(f"fit={self.fit} does not use an edge; leave frames.edge=null")
        return self

    @model_validator(mode="after")
    def _frames_have_an_order(self) -> Self:
        most = {"middle": 1, "uniform": self.count}.get(self.sampler, self.max_frames)
        if self.order != "forward" and most == 1:
            raise ValueError(
                f"order={self.order} needs several frames of a clip: use frames.sampler=uniform"
                " with a frames.count of 2 or more, or frames.order=forward"
            )
        return self

    @model_validator(mode="after")
    def _views_are_crops(self) -> Self:
        if self.crops > 1 and self.fit not in (*FITS_WITH_VIEWS, None):
            fits = " or ".join(FITS_WITH_VIEWS)
            raise ValueError(f"crops={self.crops} needs fit={fits}, got fit={self.fit}")
        if self.crops > 1 and self.order != "forward":
            raise ValueError(
                f"crops={self.crops}: several views have no order={self.order} in time; use"
                " frames.crops=1 or frames.order=forward"
            )
        return self

    def kept_frames(self) -> int | None:
        """Return how many frames of a clip the model sees, views counted; None if clips differ."""
        each = {"uniform": self.count, "middle": 1}.get(self.sampler)
        return None if each is None else each * self.crops

    def geometry(self) -> tuple[int, Fit, Resample, int | None]:
        """Return size, fit, interpolation and edge, with the model's values filled in.

        Raises:
            ClipHarError: when one of them is still None.
        """
        if self.size is None or self.fit is None or self.resample is None:
            raise ClipHarError(
                f"expected frames.size, fit and resample, got {self.size}, {self.fit} and"
                f" {self.resample}: use the model's own"
            )
        return self.size, self.fit, self.resample, self.edge


def sample_indices(settings: FrameSettings, times: Sequence[float]) -> list[int]:
    """Return which frames of a clip are kept.

    Args:
        settings: the sampler and its options.
        times: presentation time of each frame, in seconds, ascending; at least one.

    Returns:
        Indices into ``times``, ascending; some repeat if there are fewer frames than requested.

    Raises:
        ValueError: when there is no frame.
        SamplingError: when more than ``max_length`` frames would be kept.

    Example:
        >>> sample_indices(FrameSettings(count=4), [0.04 * i for i in range(100)])
        [12, 37, 62, 87]
        >>> sample_indices(FrameSettings(sampler="fps", fps=2), [0.0, 0.1, 0.2, 0.9, 1.0])
        [0, 2, 4]
    """
    n = len(times)
    if n == 0:
        raise ValueError("expected the times of at least one frame")
    match settings.sampler:
        case "uniform":
            return segment_centres(n, settings.count)
        case "middle":
            return [n // 2]
        case "every":
            kept: Sequence[int] = range(0, n, settings.step)
        case "fps":
            # not a list of them: a frame that is shown for years has more ticks than fit in memory
            kept = range(math.floor((times[-1] - times[0] + _TICK_SLACK) * settings.fps) + 1)
    if settings.max_frames is not None and len(kept) > settings.max_frames:
        kept = [kept[i] for i in segment_centres(len(kept), settings.max_frames)]
    if len(kept) > settings.max_length:
        raise SamplingError(
            f"it is shown for {times[-1] - times[0]:g} s, so frames.fps={settings.fps:g} keeps more"
            f" frames than frames.max_length={settings.max_length}: set frames.max_frames"
        )
    if settings.sampler == "fps":
        return [_frame_on_screen(tick / settings.fps, times) for tick in kept]
    return list(kept)


def frame_order(order: Order, count: int, *, seed: int, clip_id: str) -> NDArray[np.int64]:
    """Return which of a clip's kept frames is shown at each place.

    Args:
        order: ``forward``; ``reversed``; ``shuffled``, a random order of each clip's own, never the
            forward one; or ``single``, the middle frame at every place: nothing moves.
        count: number T of kept frames.
        seed: the root seed; cells of one seed show a clip in the same order.
        clip_id: of the clip.

    Returns:
        ``(T,)``, in [0, T).

    Example:
        >>> frame_order("reversed", 4, seed=0, clip_id="clip 1").tolist()
        [3, 2, 1, 0]
        >>> frame_order("single", 4, seed=0, clip_id="clip 1").tolist()
        [2, 2, 2, 2]
    """
    places = np.arange(count)
    match order:
        case "forward":
            return places
        case "reversed":
            return places[::-1].copy()
        case "single":
            return np.full(count, count // 2)
    draws = generator(seed, "frames/order", clip_id)
    shuffled = draws.permutation(count)
    while count > 1 and np.array_equal(shuffled, places):
        shuffled = draws.permutation(count)
    return shuffled


def segment_centres(n: int, count: int) -> list[int]:
    """Return floor((i + 0.5) n / count) for each segment i, in exact whole-number arithmetic."""
    return [(2 * i + 1) * n // (2 * count) for i in range(count)]


def _frame_on_screen(seconds: float, times: Sequence[float]) -> int:
    """Return the last frame that begins at or before a moment, in seconds from the first frame."""
    return bisect_right(times, times[0] + seconds + _TICK_SLACK) - 1
