"""Short videos: a browser plays them, and they are small."""

import base64
from pathlib import Path

import av
import numpy as np
import pytest

from clip_har.figures.video import can_encode, write_pair

pytestmark = pytest.mark.skipif(not can_encode(), reason="this PyAV cannot write H.264")


def frames(count: int, side: int, grey: int) -> np.ndarray:
    return np.full((count, side, side, 3), grey, np.uint8)


def decoded(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("side", [64, 112, 225])
def test_before_and_after_stand_side_by_side_enlarged(tmp_path, side):
    write_pair(tmp_path / "a.mp4", frames(5, side, 200), frames(5, side, 40))
    shown = decoded(tmp_path / "a.mp4")
    assert len(shown) == 5
    height, width = shown[0].shape[:2]
    assert height >= 224
    assert (height % 16, width % 16) == (0, 0)
    for picture in shown:
        assert abs(float(picture[: height // 2, : width // 3].mean()) - 200) < 3
        right = picture[: height // 2, width // 2 + 16 : width // 2 + 100]
        assert abs(float(right.mean()) - 40) < 3


def test_noise_of_many_frames_stays_small(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (100, 112, 112, 3), dtype=np.uint8)
    write_pair(tmp_path / "a.mp4", noise, noise)
    assert len(decoded(tmp_path / "a.mp4")) == 32
    assert (tmp_path / "a.mp4").stat().st_size < 1_500_000


def test_a_browser_plays_it(browser, tmp_path):
    write_pair(tmp_path / "a.mp4", frames(8, 112, 200), frames(8, 112, 40))
    page = browser.new_page()
    data = base64.b64encode((tmp_path / "a.mp4").read_bytes()).decode()
    page.set_content(f"<video muted src='data:video/mp4;base64,{data}'></video>")
    played = page.evaluate(
        "async () => { const v = document.querySelector('video'); await v.play();"
        " return [v.duration, v.videoWidth, v.videoHeight] }"
    )
    assert played == [2, 464, 224]
