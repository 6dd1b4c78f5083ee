"""Show a picture as the file's display matrix says: turned, mirrored, or both."""

from typing import cast

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from clip_har.data.decode.containers import DecodeError

_STRAIGHT = 0.02  # largest share of the other axis: about one degree, as in FFmpeg's command


def upright(picture: NDArray[np.uint8], frame: VideoFrame) -> NDArray[np.uint8]:
    """Return the picture of a frame as players show it.

    The matrix maps a stored pixel ``(x, y)`` to ``(a x + c y, b x + d y)`` (ISO/IEC 14496-12,
    section 8.3.2). All eight turns by quarters, with and without a mirror, are applied. Its scale
    and shift are not: they place the picture on a larger screen.

    Args:
        picture: ``(H, W, 3)`` uint8, as stored.
        frame: the frame, with the matrix in its side data, if there is one.

    Returns:
        ``(H, W, 3)`` or, after a quarter turn, ``(W, H, 3)``; a view of ``picture``.

    Raises:
        DecodeError: when the matrix turns the picture by anything else.
    """
    matrix = cast(bytes | None, frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return picture
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(matrix), np.int32).reshape(3, 3).tolist()
    straight, crossed = min(abs(a), abs(d)), min(abs(b), abs(c))
    if max(abs(b), abs(c)) <= _STRAIGHT * straight:
        across, down = a, d
    elif max(abs(a), abs(d)) <= _STRAIGHT * crossed:
        picture = picture.swapaxes(0, 1)
        across, down = c, b
    elif not any((a, b, c, d)):
        return picture  # no matrix at all; players ignore it
    else:
        raise DecodeError(
            "its display matrix turns or shears the picture by other than a multiple of 90 degrees;"
            " encode it again upright"
        )
    return picture[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1]
