"""The published file of MediaPipe's selfie segmentation, where it can be had."""

from pathlib import Path

import pytest

from clip_har.core.errors import ClipHarError
from clip_har.models.selfie_segmenter import MODEL


def real_network_file(folder: Path) -> Path:
    """Return the file, from npm or from npm's own cache; skip the test where it cannot be had."""
    try:
        content = MODEL.content(None, folder)
    except ClipHarError as error:
        pytest.skip(str(error))
    file = folder / "real.tflite"
    file.write_bytes(content)
    return file
