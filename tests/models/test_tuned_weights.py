"""Fine-tuned CLIPs in OpenAI's names: equality with OpenAI's network, and what is refused."""

from collections.abc import Callable

import open_clip
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from clip_har.core.errors import ClipHarError
from clip_har.models.clip import CLIP
from clip_har.models.preprocess import normalise
from tests.checkpoints import SMALL, openai_network, write_checkpoint

CPU = torch.device("cpu")
TEXTS = ["a photo of a dog running", "Diving"]
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp("base"), SMALL)


@pytest.fixture(scope="module")
def tuned():
    """OpenAI's network, as open_clip builds it, with other weights than the base checkpoint."""
    return openai_network()


def openai(state: State) -> State:
    return state


def vifi(state: State) -> State:
    """Return the names of ViFi-CLIP: towers of their own, no token embeddings, the last texts."""
    named = {"prompt_learner.complete_text_embeddings": torch.zeros(3, 77, 32)}
    for name, tensor in state.items():
        if name.startswith("visual."):
            named[f"image_encoder.{name.removeprefix('visual.')}"] = tensor
        elif name == "logit_scale":
            named[name] = tensor
        elif name != "token_embedding.weight":
            named[f"text_encoder.{name}"] = tensor
    return {f"module.{name}": tensor for name, tensor in named.items()}


def froster(state: State) -> State:
    named = {f"model.{name}": tensor for name, tensor in state.items()}
    raw = {f"raw_model.{name}": torch.zeros_like(tensor) for name, tensor in state.items()}
    return named | raw | {"projector_v.0.weight": torch.zeros(32, 32)}


def archived(state: State) -> State:
    numbers = {"input_resolution": torch.tensor(64), "context_length": torch.tensor(77)}
    return {name: tensor.half() for name, tensor in state.items()} | numbers


def write(path, state: State) -> str:
    save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, path)
    return str(path)


def state_of(network) -> State:
    return {name: tensor for name, tensor in network.state_dict().items() if name != "attn_mask"}


def load(folder, weights, **more):
    return CLIP(checkpoint=str(folder), weights=weights, **more).load(device=CPU, precision="fp32")


def frames() -> Tensor:
    draws = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8, generator=draws)


@pytest.mark.parametrize("form", [openai, vifi, froster, archived])
def test_embeddings_are_those_of_openais_network(
    base, tuned, tmp_path, caplog, form: Callable[[State], State]
):
    state = state_of(tuned)
    plain = load(base, None)
    if form is vifi:  # it keeps CLIP's own token embeddings
        own = plain.network.text_model.embeddings.token_embedding.weight
        tuned.token_embedding.weight.data.copy_(own)
        state = state_of(tuned)
    model = load(base, write(tmp_path / "tuned.safetensors", form(state)))
    pixels = normalise(frames(), model.scale, dtype=torch.float32)
    with torch.inference_mode():
        pictures = tuned.encode_image(pixels, normalize=True)
        texts = tuned.encode_text(open_clip.tokenize(TEXTS), normalize=True)
    atol = 2e-3 if form is archived else 1e-5
    torch.testing.assert_close(model.encode_frames(frames()), pictures, atol=atol, rtol=0)
    torch.testing.assert_close(model.encode_texts(TEXTS), texts, atol=atol, rtol=0)
    assert model.logit_scale == pytest.approx(float(tuned.logit_scale.detach().exp()), rel=1e-3)
    assert ("model=open_vclip does this" in caplog.text) == (form is froster)
    assert (model.encode_frames(frames()) - plain.encode_frames(frames())).abs().max() > 0.1


def test_a_share_of_the_base_is_mixed_in(base, tuned, tmp_path):
    path = write(tmp_path / "tuned.safetensors", state_of(tuned))
    mixed = load(base, path, base_share=0.25).network.state_dict()
    own, other = (load(base, one).network.state_dict() for one in (None, path))
    name = "vision_model.encoder.layers.1.self_attn.v_proj.weight"
    torch.testing.assert_close(mixed[name], 0.25 * own[name] + 0.75 * other[name])
    with pytest.raises(ValueError, match="set weights"):
        CLIP(checkpoint=str(base), base_share=0.25)


def test_the_digest_is_of_the_content_and_the_share(base, tuned, tmp_path):
    state = state_of(tuned)
    first, again = (write(tmp_path / f"{name}.safetensors", state) for name in "ab")
    other = write(tmp_path / "c.safetensors", state | {"logit_scale": torch.tensor(1.0)})
    option = CLIP(checkpoint=str(base), weights=first)
    mixed = CLIP(checkpoint=str(base), weights=first, base_share=0.5)
    digests = [CLIP(checkpoint=str(base), weights=path).digest() for path in (None, first, other)]
    assert len({*digests, mixed.digest()}) == 4
    assert CLIP(checkpoint=str(base), weights=again).digest() == option.digest()
    assert load(base, first).digest == option.digest()


BLOCK = "transformer.resblocks.1.mlp.c_fc.bias"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda one: one | {"visual.VPT": torch.zeros(2)}, r"visual.VPT has no place in a CLIP"),
        (lambda one: one | {"prompt_learner.ctx": torch.zeros(2)}, r"prompt_learner.ctx has no pl"),
        (
            lambda one: one | {f"fusion.resblocks.{i}.ln_1.bias": torch.zeros(2) for i in range(5)},
            r"fusion.resblocks.0.* and 2 more have no place",
        ),
        (
            lambda one: {name: one[name] for name in one if name != BLOCK},
            r"text_model.encoder.layers.1.mlp.fc1.bias has no tensor in the file \(it has 7\d of",
        ),
        (
            lambda one: {name: one[name] for name in one if name != "token_embedding.weight"},
            r"token_embedding.weight has no tensor in the file",
        ),
        (
            lambda one: one | {"visual.positional_embedding": torch.zeros(50, 48)},
            r"position_embedding.weight is of shape \(50, 48\), and \(17, 48\) in the base",
        ),
        (
            lambda one: one | {"visual.transformer.resblocks.2.ln_1.bias": torch.zeros(48)},
            r"layers.2.layer_norm1.bias has no place in the base checkpoint, which has fewer",
        ),
        (
            lambda one: one | {"module.visual.proj": one["visual.proj"]},
            r"visual_projection.weight is there twice",
        ),
        (
            lambda one: one | {"visual.proj": one["visual.proj"].to(torch.int8)},
            r"visual_projection.weight holds whole numbers \(int8\): expected weights",
        ),
        (
            lambda one: one | {"logit_scale": torch.tensor(float("nan"))},
            "the weights of logit_scale are not finite",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(base, tuned, tmp_path, change, message):
    path = write(tmp_path / "tuned.safetensors", change(state_of(tuned)))
    with pytest.raises(ClipHarError, match=message) as caught:
        load(base, path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tuned.pth", r"expected a .safetensors file; .* clip-har-convert IN.pth OUT.safetensors"),
        ("none.safetensors", "no such file"),
    ],
)
def test_a_file_that_is_not_there_or_a_pickle_is_refused_before_any_work(
    base, tmp_path, name, message
):
    (tmp_path / "tuned.pth").write_bytes(b"pickle")
    with pytest.raises(ClipHarError, match=message):
        CLIP(checkpoint=str(base), weights=str(tmp_path / name)).folder()


def test_a_damaged_file(base, tmp_path):
    (tmp_path / "tuned.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ClipHarError, match=r"model.weights=.*: no safetensors file"):
        load(base, str(tmp_path / "tuned.safetensors"))
