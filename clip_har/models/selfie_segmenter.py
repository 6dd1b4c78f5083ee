"""MediaPipe's selfie segmentation: a small network that finds the people in a picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue

import numpy as np
from numpy.typing import NDArray

from clip_har.core.errors import ClipHarError
from clip_har.core.work_ahead import work_ahead
from clip_har.models.package_file import PackageFile

MODEL = PackageFile(
    package="@mediapipe/selfie_segmentation",
    version="0.1.1675465747",
    member="package/selfie_segmentation.tflite",
    size=249_024,
    sha256="8d13b7fae74af625c641226813616a2117bd6bca19eb3b75574621fc08557f27",
    setting="region.model",
    cache_setting="region.cache_dir",
)
"""The general model (not the one for landscapes): 256 × 256 pixels, licence Apache-2.0."""

SIDE = 256
"""Height and width of the pictures that the network takes, in pixels."""

_INSIDE = 0.5
_BORDER = 32  # px on each side of the smaller picture

Network = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""From a picture ``(256, 256, 3)`` RGB in [0, 1] to its soft mask ``(256, 256)`` in [0, 1]."""


@dataclass(frozen=True)
class SelfieSegmenter:
    """The network, as often as frames are looked at at once.

    Attributes:
        networks: equal ones, one for each thread, see `load_network`.
    """

    networks: Sequence[Network]

    def find_people(
        self, frames: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return where people are in the frames of a clip, and how certain that is.

        The network sees each frame, and its mirror image at three quarters of its size with its
        border continued. A person is found in both. What the network takes for a person by chance
        is often found in one of them only.

        Args:
            frames: ``(T, 3, S, S)`` RGB in 0 … 255.

        Returns:
            The mean soft mask of the two, ``(T, S, S)`` float32 in [0, 1]; and the confidence,
            ``(T,)`` float32 in [0, 1]: the overlap of their masks (intersection over union), 0
            where nothing is found. Both are the same with any number of threads.
        """
        free: SimpleQueue[Network] = SimpleQueue()
        for network in self.networks:
            free.put(network)

        def find(frame: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
            network = free.get()
            try:
                return _of_frame(network, frame)
            finally:
                free.put(network)

        threads = len(self.networks) if len(self.networks) > 1 else 0
        found = list(work_ahead(find, frames, threads=threads, limit=max(1, len(frames))))
        soft_masks, confidence = zip(*found, strict=True)
        return np.stack(soft_masks), np.array(confidence, np.float32)


def load_network(model: bytes) -> Network:
    """Load the network; it must not be used by two threads at once.

    Args:
        model: the content of the TFLite file.

    Raises:
        ClipHarError: when this version of OpenCV cannot load it.
    """
    import cv2

    try:
        layers = cv2.dnn.readNetFromTFLite(np.frombuffer(model, np.uint8))
    except cv2.error as error:
        reason = " ".join(str(error).split())[:160]
        raise ClipHarError(
            f"OpenCV {cv2.__version__} cannot load {MODEL.member} ({reason}): install the versions"
            " of requirements.lock"
        ) from error

    def network(picture: NDArray[np.float32]) -> NDArray[np.float32]:
        # One picture at a time: a batch is not faster.
        layers.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[None]))
        return np.array(layers.forward()[0, 0], np.float32)  # of (1, 1, 256, 256)

    return network


def _of_frame(network: Network, frame: NDArray[np.uint8]) -> tuple[NDArray[np.float32], float]:
    picture = _resized(frame.transpose(1, 2, 0).astype(np.float32) / np.float32(255), SIDE)
    seen = network(picture)
    other = _seen_smaller(network, picture[:, ::-1])[:, ::-1]
    soft_mask = _resized((seen + other) / np.float32(2), frame.shape[-1])
    return soft_mask.clip(0, 1), _overlap(seen, other)


def _seen_smaller(network: Network, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the soft mask of a picture that the network sees at three quarters of its size."""
    border = (_BORDER, _BORDER)
    smaller = np.pad(_resized(picture, SIDE - 2 * _BORDER), (border, border, (0, 0)), mode="edge")
    return _resized(network(smaller)[_BORDER:-_BORDER, _BORDER:-_BORDER], SIDE)


def _resized(picture: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    import cv2

    if picture.shape[0] == side:
        return picture
    how = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_LINEAR
    resized: NDArray[np.float32] = np.asarray(
        cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=how), np.float32
    )
    return resized


def _overlap(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Return the intersection over union of two soft masks' insides; 0 if both are empty."""
    first, second = one >= _INSIDE, other >= _INSIDE
    either = int((first | second).sum())
    return int((first & second).sum()) / either if either else 0.0
