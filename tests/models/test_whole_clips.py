"""VideoPrism, PE-Video and Open-VCLIP: equality with the networks' own forward passes."""

from typing import Any

import open_clip
import pytest
import torch
import transformers
from safetensors.torch import save_file
from torch import Tensor
from torch.nn.functional import linear, normalize
from transformers import AutoTokenizer, AutoVideoProcessor

from clip_har.config.compose import cell_from_config
from clip_har.core.errors import ClipHarError
from clip_har.data.geometry import fit_frames
from clip_har.models.open_vclip import OpenVCLIP
from clip_har.models.pe_video import PeVideo
from clip_har.models.video_zero_shot import VideoZeroShot
from clip_har.models.videoprism import VideoPrism
from tests.checkpoints import SMALL, openai_network, vocabulary, word_tokenizer, write_checkpoint
from tests.config.test_cell import composed

CPU = torch.device("cpu")
TEXTS = ["a photo of a dog running", "Person, jumping", "a room with person"]
FRAMES = 4
Videos = Any


def save(folder, network, processor, tokenizer):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for weight in network.parameters():
            if weight.dim() > 1:
                torch.nn.init.normal_(weight, std=0.2)
    network.save_pretrained(folder)
    processor.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def videoprism(tmp_path_factory):
    known = vocabulary("<pad>", "</s>", "<unk>")
    text = {
        "vocab_size": len(known),
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_position_embeddings": 16,
    }
    vision = {
        "image_size": 72,
        "num_frames": FRAMES,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_spatial_layers": 1,
        "num_temporal_layers": 1,
        "num_auxiliary_layers": 1,
    }
    config = transformers.VideoPrismConfig(text_config=text, vision_config=vision)
    size = {"height": 72, "width": 72}
    processor = transformers.LlavaOnevisionVideoProcessor(
        size=size, do_normalize=False, do_sample_frames=False, num_frames=FRAMES
    )
    tokenizer = word_tokenizer(known, start="", end="", pad="<pad>")
    folder = tmp_path_factory.mktemp("videoprism")
    return save(folder, transformers.VideoPrismClipModel(config), processor, tokenizer)


PE_TEXT = {
    "model_type": "modernbert",
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
    "pad_token_id": 0,
    "cls_token_id": 1,
    "sep_token_id": 2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
PE_LAYERS = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "head_dim": 24,
}
PE_VIDEO = {
    **PE_LAYERS,
    "model_type": "pe_video_encoder",
    "vision_config": {
        "model_type": "timm_wrapper",
        "architecture": "vit_pe_core_tiny_patch16_384",
        "do_pooling": True,
        "num_classes": 32,
        "global_pool": "map",
        "model_args": {"img_size": 64, "depth": 2, "embed_dim": 48, "num_heads": 3},
    },
}
PE_AUDIO = {
    **PE_LAYERS,
    "model_type": "pe_audio_encoder",
    "dac_config": {
        "model_type": "dac",
        "encoder_hidden_size": 8,
        "downsampling_ratios": [2, 4],
        "decoder_hidden_size": 16,
        "n_codebooks": 2,
        "codebook_size": 16,
        "codebook_dim": 4,
        "upsampling_ratios": [4, 2],
    },
}


pe_networks: dict[Any, Any] = {}  # the saved networks by their folders


@pytest.fixture(scope="module", params=["video", "audio and video"])
def pe_video(tmp_path_factory, request):
    known = vocabulary("[PAD]", "[CLS]", "[SEP]", "<unk>")
    text = {**PE_TEXT, "vocab_size": len(known)}
    network: Any
    if request.param == "video":
        config = transformers.PeVideoConfig(text_config=text, video_config=PE_VIDEO)
        network = video = transformers.PeVideoModel(config)
    else:
        both = {**PE_LAYERS, "audio_config": PE_AUDIO, "video_config": PE_VIDEO}
        network = transformers.PeAudioVideoModel(
            transformers.PeAudioVideoConfig(text_config=text, audio_video_config=both)
        )
        video = network.video_model
    video.text_video_logit_scale.data.fill_(3.0)
    video.text_video_logit_bias.data.fill_(-2.0)
    processor = transformers.PeVideoVideoProcessor(
        size={"height": 64, "width": 64},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
        do_normalize=True,
        do_resize=True,
        do_rescale=True,
        do_sample_frames=False,
    )
    tokenizer = word_tokenizer(known, start="[CLS]", end="[SEP]", pad="[PAD]")
    folder = save(tmp_path_factory.mktemp("pe_video"), network, processor, tokenizer)
    pe_networks[folder] = video.eval()
    return folder


def clips(count=3, frames=FRAMES, size=(90, 120)) -> Tensor:
    draws = torch.Generator().manual_seed(0)
    shape = (count, frames, 3, *size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=draws)


def built(source, tmp_path, batch_size=8):
    model = source.load(device=CPU, precision="fp32")
    prompts = [[text] for text in TEXTS]
    return VideoZeroShot.build(model, prompts, batch_size=batch_size, cache_dir=tmp_path)


def fitted(source, raw):
    return [fit_frames(clip, source.image_size(), *source.fitting()) for clip in raw]


def scored(source, raw, tmp_path):
    return built(source, tmp_path).forward(fitted(source, raw))


def own_pixels(folder, raw):
    process: Videos = AutoVideoProcessor.from_pretrained(folder)
    return process(list(raw), return_tensors="pt")["pixel_values_videos"]


def test_videoprism_is_transformers_own_from_the_video_frame_on(videoprism, tmp_path):
    raw = clips()
    source = VideoPrism(checkpoint=str(videoprism))
    assert (source.image_size(), source.patch_size(), source.clip_length()) == (72, 18, FRAMES)
    texts = ["a photo of a dog running.", "person jumping.", "a room with person."]  # as trained
    tokens = AutoTokenizer.from_pretrained(videoprism)(
        texts, padding="max_length", max_length=16, return_tensors="pt"
    )
    network = transformers.VideoPrismClipModel.from_pretrained(videoprism).eval()
    with torch.inference_mode():
        own = network(
            pixel_values_videos=own_pixels(videoprism, raw),
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
        )
    scores, embeddings = scored(source, raw, tmp_path)
    torch.testing.assert_close(embeddings, own.video_embeds, atol=1e-5, rtol=0)
    expected = 100 * own.video_embeds @ own.text_embeds.T
    torch.testing.assert_close(scores, expected, atol=1e-3, rtol=0)
    assert expected.std() > 1


def test_pe_video_is_transformers_own_from_the_video_frame_on(pe_video, tmp_path):
    raw = clips()
    source = PeVideo(checkpoint=str(pe_video))
    assert (source.image_size(), source.clip_length()) == (64, None)
    tokens = AutoTokenizer.from_pretrained(pe_video)(TEXTS, padding=True, return_tensors="pt")
    network = built(source, tmp_path).model.network
    trained = pe_networks[pe_video].state_dict()
    assert all(torch.equal(one, trained[name]) for name, one in network.state_dict().items())
    with torch.inference_mode():
        own = network(
            pixel_values_videos=own_pixels(pe_video, raw),
            input_ids=tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
        ).logits_video_text
    scores, embeddings = scored(source, raw, tmp_path)
    torch.testing.assert_close(scores, own, atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(embeddings.norm(dim=-1), torch.ones(3))
    assert own.std() > 0.1


def test_pe_video_takes_clips_of_any_length_in_any_batch(pe_video, tmp_path):
    source = PeVideo(checkpoint=str(pe_video))
    ready = fitted(source, [*clips(2), *clips(1, frames=2), *clips(1, frames=7)])
    classifier = built(source, tmp_path, batch_size=100)
    together, _ = classifier.forward(ready)
    alone = torch.cat([classifier.forward([clip])[0] for clip in ready])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=1e-5)


def test_a_checkpoint_that_samples_frames_fixes_their_number(pe_video, tmp_path):
    processor = AutoVideoProcessor.from_pretrained(pe_video)
    processor.do_sample_frames, processor.num_frames = True, 16
    for path in pe_video.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    processor.save_pretrained(tmp_path)
    assert PeVideo(checkpoint=str(tmp_path)).clip_length() == 16


# Open-VCLIP


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("base"), SMALL)


@pytest.fixture(scope="module")
def tuned():
    network = openai_network()
    network.logit_scale.data.fill_(3.0)
    return network.requires_grad_(requires_grad=False)


@pytest.fixture(scope="module")
def weights(tuned, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "tuned.safetensors"
    state = {f"model.{name}": one.contiguous() for name, one in tuned.state_dict().items()
             if name != "attn_mask"}  # fmt: skip
    save_file(state, path)
    return str(path)


def by_the_paper(tower, pixels: Tensor) -> Tensor:
    """Embed the frames ``(T, 3, S, S)`` of one clip frame by frame, with OpenAI's weights.

    Each frame's queries meet the keys of its own and both neighbouring frames; a frame that is not
    there has keys and values of 0.
    """
    tokens = tower.conv1(pixels).flatten(2).transpose(1, 2)
    first = tower.class_embedding.expand(len(tokens), 1, -1)
    tokens = tower.ln_pre(torch.cat([first, tokens], 1) + tower.positional_embedding)
    for block in tower.transformer.resblocks:
        own = block.ln_1(tokens)
        packed = linear(own, block.attn.in_proj_weight, block.attn.in_proj_bias)
        query, key, value = (one.unflatten(-1, (3, 16)) for one in packed.chunk(3, dim=-1))
        blank, seen = torch.zeros_like(key[0]), []
        for t in range(len(tokens)):
            beside = [t - 1, t, t + 1]
            keys = torch.cat([key[i] if 0 <= i < len(key) else blank for i in beside])
            values = torch.cat([value[i] if 0 <= i < len(key) else blank for i in beside])
            weight = torch.einsum("nhd,mhd->hnm", query[t], keys) / 4  # the root of 16
            seen.append(torch.einsum("hnm,mhd->nhd", weight.softmax(-1), values).flatten(1))
        tokens = tokens + block.attn.out_proj(torch.stack(seen))
        tokens = tokens + block.mlp(block.ln_2(tokens))
    return normalize(tower.ln_post(tokens[:, 0]) @ tower.proj, dim=-1)


def test_open_vclip_attends_to_neighbouring_frames(base, tuned, weights, tmp_path):
    source = OpenVCLIP(checkpoint=str(base), weights=weights)
    raw = [*clips(2), *clips(1, frames=1)]
    model = source.load(device=CPU, precision="fp32")
    geometry = (source.image_size(), *source.fitting())
    texts = tuned.encode_text(open_clip.tokenize(TEXTS), normalize=True)
    expected = []
    for clip in raw:
        frames = by_the_paper(tuned.visual, model.pixels(fit_frames(clip, *geometry)[None])[0])
        expected.append((float(tuned.logit_scale.exp()) * frames @ texts.T).mean(dim=0))
    scores, _ = scored(source, raw, tmp_path)
    torch.testing.assert_close(scores, torch.stack(expected), atol=1e-4, rtol=0)
    assert torch.stack(expected).std() > 0.05


def test_the_order_of_frames_counts_for_open_vclip(base, weights, tmp_path):
    source = OpenVCLIP(checkpoint=str(base), weights=weights)
    clip = clips(1)[0]
    swapped = clip[[1, 0, 2, 3]]
    forward, other = scored(source, [clip, swapped], tmp_path)[0]
    assert (forward - other).abs().max() > 1e-5


def test_open_vclips_share_of_clip(base, weights):
    whole, mixed = (
        OpenVCLIP(checkpoint=str(base), weights=weights, base_share=share) for share in (0.0, 0.5)
    )
    assert whole.digest() != mixed.digest()
    tensors = [one.load(device=CPU, precision="fp32").network.visual_projection.weight
               for one in (whole, mixed)]  # fmt: skip
    assert not torch.equal(*tensors)


@pytest.mark.parametrize(
    "more", [["noise=class_specific"], ["region=relevance", "masking=feature"]]
)
@pytest.mark.parametrize("name", ["videoprism", "pe_video", "open_vclip"])
def test_what_needs_single_frames_is_refused(name, more, tmp_path):
    needed = ["model.weights=x.safetensors"] if name == "open_vclip" else []
    chosen = [f"model={name}", f"model.checkpoint={tmp_path}", *needed]
    with pytest.raises(ClipHarError, match=r"noise=|single frames|region=relevance"):
        cell_from_config(composed(*chosen, *more))
