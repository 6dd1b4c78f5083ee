"""MetaCLIP, which has CLIP's architecture, and MetaCLIP 2, which nearly has."""

import pytest
import torch
from transformers import AutoTokenizer, CLIPImageProcessor, MetaClip2Model

from clip_har.data.geometry import fit_frames
from clip_har.models.attribution import attribution
from clip_har.models.clip import CLIP
from clip_har.models.zero_shot import ZeroShot
from tests.checkpoints import write_metaclip2
from tests.config.test_cell import composed

CPU = torch.device("cpu")
TEXTS = ["a photo of a dog running", "person jumping", "a room with person"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_metaclip2(tmp_path_factory.mktemp("metaclip2"))


@pytest.fixture(scope="module")
def model(folder):
    return CLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32")


def test_metaclip_2_logits_are_those_of_transformers_from_the_video_frame_on(
    folder, model, tmp_path
):
    frames = torch.randint(0, 256, (5, 3, 90, 120), dtype=torch.uint8)
    prompts = [[text] for text in TEXTS]
    classifier = ZeroShot.build(model, prompts, pooling="mean", batch_size=4, cache_dir=tmp_path)
    source = CLIP(checkpoint=str(folder))
    fitted = fit_frames(frames, source.image_size(), *source.fitting())
    scores = classifier.scores([frame[None] for frame in fitted])
    pixels = CLIPImageProcessor.from_pretrained(folder)(list(frames), return_tensors="pt")
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    network = MetaClip2Model.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = network(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], **pixels
        ).logits_per_image
    torch.testing.assert_close(scores, expected, atol=1e-5, rtol=0)
    assert expected.std() > 0.1


def test_metaclip_2_gives_attribution(model):
    clip = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    found = attribution(model, [clip], model.encode_texts(TEXTS[:1]))
    assert found.shape == (2, 4, 4)
    assert found.max() > 0


@pytest.mark.parametrize("option", ["metaclip_b32", "metaclip2_b32"])
def test_a_commit_must_be_named_where_none_could_be_looked_up(option):
    from clip_har.config.compose import cell_from_config
    from clip_har.core.errors import ClipHarError

    with pytest.raises(ClipHarError, match=r"model.revision is not set: add model.revision="):
        cell_from_config(composed(f"model={option}"))
    cell_from_config(composed(f"model={option}", "model.revision=null", "model.checkpoint=folder"))
