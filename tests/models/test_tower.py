"""The runtimes of the image tower: equal answers, clear refusals."""

import importlib.util
import shutil
from dataclasses import replace

import pytest
import torch

from clip_har.core.errors import ClipHarError
from clip_har.models.clip import CLIP
from clip_har.models.runtime import check_runtime
from clip_har.synthetic.tiny_clip import TinyCLIP
from tests.noise.linear import linear_model

CPU = torch.device("cpu")
CLOSE = 1e-4  # of an embedding's values, and, times the learned scale, far below a change of answer


def needs(runtime):
    """Skip where a runtime's packages are missing: they are extras."""
    names = {"onnxruntime": ["onnxruntime", "onnxscript"], "openvino": ["openvino", "onnxscript"]}
    if runtime == "compile" and not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    missing = [name for name in names.get(runtime, []) if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    "runtime", ["onnxruntime", "openvino", pytest.param("compile", marks=pytest.mark.slow)]
)
def test_embeddings_are_equal_whatever_the_number_of_frames(small_clip, runtime):
    needs(runtime)
    plain = CLIP(checkpoint=str(small_clip)).load(device=CPU, precision="fp32")
    fast = CLIP(checkpoint=str(small_clip), runtime=runtime).load(device=CPU, precision="fp32")
    frames = torch.randint(0, 256, (7, 3, plain.image_size, plain.image_size), dtype=torch.uint8)
    for count in (7, 3, 1):
        found = fast.encode_frames(frames[:count])
        assert found.dtype == torch.float32
        expected = plain.encode_frames(frames[:count])
        torch.testing.assert_close(found, expected, atol=CLOSE, rtol=0)
    # Its own memory: the next pass must not change what the last one gave.
    first = fast.encode_frames(frames[:2]).clone()
    kept = fast.encode_frames(frames[:2])
    fast.encode_frames(frames[3:5])
    assert torch.equal(kept, first)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("runtime", ["onnxruntime", "openvino"])
def test_gradients_flow_through_torch(small_clip, runtime):
    needs(runtime)
    model = CLIP(checkpoint=str(small_clip), runtime=runtime).load(device=CPU, precision="fp32")
    pixels = torch.randn(2, 3, model.image_size, model.image_size, requires_grad=True)
    model.encode_pixels(pixels).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in model.network.parameters()), "they are frozen"


def test_a_runtime_that_is_missing_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setattr("clip_har.models.runtime.find_spec", lambda _: None)
    with pytest.raises(ClipHarError, match=r"openvino.*must be installed.*pip install"):
        check_runtime("openvino", device="cpu", precision="fp32")


@pytest.mark.parametrize(("device", "precision"), [("cuda", "fp32"), ("cpu", "bf16")])
def test_what_a_runtime_cannot_serve_is_refused(monkeypatch, device, precision):
    monkeypatch.setattr("clip_har.models.runtime.find_spec", lambda name: name)
    with pytest.raises(ClipHarError, match=r"model\.runtime=onnxruntime runs (on the CPU|in fp32)"):
        check_runtime("onnxruntime", device=device, precision=precision)
    check_runtime("torch", device=device, precision=precision)


def test_compiling_on_a_cpu_needs_a_compiler(monkeypatch):
    monkeypatch.setattr("clip_har.models.runtime.which", lambda _: None)
    with pytest.raises(ClipHarError, match=r"needs a C\+\+ compiler"):
        check_runtime("compile", device="cpu", precision="fp32")
    check_runtime("compile", device="cuda", precision="bf16")


def test_the_tiny_model_takes_a_runtime_too():
    assert TinyCLIP(runtime="compile").runtime == "compile"


def test_a_tower_of_an_accelerator_is_warmed_up_once_for_each_batch_size():
    seen: list[int] = []

    def tower(pixels: torch.Tensor) -> torch.Tensor:
        seen.append(len(pixels))
        return torch.ones(len(pixels), 6)

    for device, expected in (("cpu", []), ("meta", [5, 7])):
        seen.clear()
        model = replace(linear_model(), tower=tower, device=torch.device(device), warm=set())
        for size in (5, 5, 7, 5):
            model.warm_up(size)
        assert seen == expected, device
