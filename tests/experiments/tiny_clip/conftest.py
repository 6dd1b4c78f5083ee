import pytest

from clip_har.synthetic import plan_clips
from experiments.tiny_clip.rendered import RenderedClips, render


@pytest.fixture(scope="session")
def few_clips() -> RenderedClips:
    """Two rendered clips of each class, of training subjects."""
    return render(plan_clips(seed=0, clips=40, scene_bias=0.5, split="train"))
