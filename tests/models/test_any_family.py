"""Any dual encoder of transformers: equality with the family's own classes; what is refused."""

from typing import Any

import pytest
import torch
import transformers
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames
from clip_har.models.any_family import AnyFamily
from clip_har.models.clip import CLIP
from clip_har.models.zero_shot import ZeroShot
from tests.checkpoints import write_metaclip2, write_siglip, write_xclip
from tests.config.test_cell import composed
from tests.families import write_family

CPU = torch.device("cpu")
TEXTS = ["a photo of a dog running", "person", "a room with person jumping ."]
FAMILIES = ["Align", "AltCLIP", "Blip", "CLIP", "CLIPSeg", "ChineseCLIP", "GroupViT", "Tipsv2"]


def load(folder, **more) -> Any:
    return AnyFamily(checkpoint=str(folder), **more).load(device=CPU, precision="fp32")


def scores_of(folder, frames, tmp_path):
    source = AnyFamily(checkpoint=str(folder))
    classifier = ZeroShot.build(
        load(folder), [[text] for text in TEXTS], pooling="mean", batch_size=4, cache_dir=tmp_path
    )
    fitted = fit_frames(frames, source.image_size(), *source.fitting())
    return classifier.scores([frame[None] for frame in fitted])


def frames():
    draws = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (5, 3, 90, 120), dtype=torch.uint8, generator=draws)


@pytest.mark.parametrize("family", FAMILIES)
def test_logits_are_those_of_transformers_from_the_video_frame_on(family, tmp_path):
    folder = write_family(tmp_path / family, family)
    pixels = AutoImageProcessor.from_pretrained(folder)(list(frames()), return_tensors="pt")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    padded = {"padding": "max_length", "max_length": 64} if family in ("Align", "Tipsv2") else {}
    tokens = tokenizer(TEXTS, return_tensors="pt", **(padded or {"padding": True}))
    network = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        expected = network(
            input_ids=tokens["input_ids"], attention_mask=tokens["attention_mask"], **pixels
        ).logits_per_image
    found = scores_of(folder, frames(), tmp_path)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert expected.std() > 0.02


def test_siglip_reads_padded_texts_in_lower_case(tmp_path):
    folder = write_siglip(tmp_path / "siglip")
    model = load(folder)
    torch.testing.assert_close(
        model.encode_texts(["A photo of a DOG"]), model.encode_texts(["a photo of a dog"])
    )
    tokens = AutoTokenizer.from_pretrained(folder)(TEXTS, padding="max_length", max_length=16,
                                                   return_tensors="pt")  # fmt: skip
    network = AutoModel.from_pretrained(folder).eval()
    with torch.inference_mode():
        own = network.get_text_features(input_ids=tokens["input_ids"]).pooler_output
    torch.testing.assert_close(model.text_features(TEXTS), own)
    assert model.logit_bias == pytest.approx(-3.0)


def test_a_listed_family_gives_the_numbers_of_its_own_option(tmp_path):
    folder = write_metaclip2(tmp_path / "metaclip2")
    listed, tried = CLIP(checkpoint=str(folder)).load(device=CPU, precision="fp32"), load(folder)
    pictures = frames()[..., :64, :64]
    torch.testing.assert_close(tried.encode_frames(pictures), listed.encode_frames(pictures))
    torch.testing.assert_close(tried.encode_texts(TEXTS), listed.encode_texts(TEXTS))
    assert tried.logit_scale == pytest.approx(listed.logit_scale)


def test_patches_and_places_of_texts_are_the_familys(tmp_path):
    align = write_family(tmp_path / "align", "Align")
    assert AnyFamily(checkpoint=str(align)).patch_size() is None
    assert AnyFamily(checkpoint=str(align)).fitting() == ("squash", "bilinear", 80)
    altclip = write_family(tmp_path / "altclip", "AltCLIP")
    assert AnyFamily(checkpoint=str(altclip)).patch_size() == 16
    assert load(altclip).context_length == 24


@pytest.mark.parametrize(
    ("family", "message"),
    [
        pytest.param(
            "Flava",
            r"\(FlavaModel\) cannot be used: expected one embedding .*\(2, 17, 32\) and",
            marks=pytest.mark.slow,  # it has a third tower
        ),
        ("Aimv2", r"\(Aimv2Model\) cannot be used: a text's embedding depends on the padding"),
        ("Owlv2", "expected do_pad false, got true"),
    ],
)
def test_a_family_that_does_not_fit_is_refused_in_one_line(family, message, tmp_path):
    with pytest.raises(ClipHarError, match=message) as caught:
        load(write_family(tmp_path / family, family))
    assert "\n" not in str(caught.value)


def twice(forward):
    def changed(self, *args, **kwargs):
        output = forward(self, *args, **kwargs)
        output.logits_per_image = output.logits_per_image * 2
        return output

    return changed


def brighter(processed):
    def changed(self, images, **kwargs):
        found = processed(self, images, **kwargs)
        found["pixel_values"] = found["pixel_values"] ** 2
        return found

    return changed


@pytest.mark.parametrize(
    ("owner", "method", "change", "message"),
    [
        ("ChineseCLIPModel", "forward", twice, "its own forward pass gives other logits than"),
        (
            "ChineseCLIPImageProcessor",
            "__call__",
            brighter,
            "makes other pixels of a frame than its settings say|nothing of the difference",
        ),
    ],
)
def test_what_the_trial_is_for(owner, method, change, message, tmp_path, monkeypatch):
    folder = write_family(tmp_path / "family", "ChineseCLIP")
    cls = getattr(transformers, owner)
    monkeypatch.setattr(cls, method, change(getattr(cls, method)))
    with pytest.raises(ClipHarError, match=message):
        load(folder)


def test_a_model_of_another_kind_is_refused(tmp_path):
    folder = write_family(tmp_path / "family", "ChineseCLIP")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"chinese_clip",', '"bert",'))
    with pytest.raises(ClipHarError, match=r"expected a dual encoder, .* 'bert' .* has BertModel"):
        AnyFamily(checkpoint=str(folder)).architecture()
    with pytest.raises(ClipHarError, match="use model=xclip"):
        AnyFamily(checkpoint=str(write_xclip(tmp_path / "xclip"))).folder()


def test_attribution_is_refused(tmp_path):
    chosen = ("model=transformers", f"model.checkpoint={tmp_path}", "region=relevance")
    with pytest.raises(ClipHarError, match="region=relevance"):
        cell_from_config(composed(*chosen, "masking=feature"))
