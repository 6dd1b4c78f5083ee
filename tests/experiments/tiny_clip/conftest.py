import pytest

from clip_har.synthetic import plan_clips
from experiments.tiny_clip.drawn import DrawnClips, draw


@pytest.fixture(scope="session")
def few_clips() -> DrawnClips:
    """Two rendered clips of each class, of training subjects."""
    return draw(plan_clips(seed=0, clips=40, scene_bias=0.5, split="train"))
