"""Run the image tower when no gradient is needed: by PyTorch, or by a runtime that may be faster.

The pixels, the masks and everything after the tower are the same for all runtimes. Gradients
always flow through PyTorch. Which runtime is fastest depends on the processor, see
``benchmarks/README.md``.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from clip_har.models.runtime import Runtime, check_runtime

Tower = Callable[[Tensor], Tensor]
"""Turns ``(M, 3, S, S)`` normalised pixels into ``(M, D)`` features, not yet of length 1."""

_TRACED = 2  # frames that a network is traced with; a batch of 1 would become a constant


class _ImageTower(torch.nn.Module):
    """The image tower of a transformers model, as a function of its pixels alone."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, pixels: Tensor) -> Tensor:
        features: Tensor = self.network.get_image_features(pixel_values=pixels).pooler_output
        return features


def build_tower(
    runtime: Runtime, network: Any, *, image_size: int, device: torch.device, precision: str
) -> Tower | None:
    """Prepare the image tower of a frozen network for a runtime; None for the network itself.

    Args:
        runtime: ``torch`` runs the network as it is; ``compile`` through torch.compile with frozen
            weights (half a minute, once per process, needs a C++ compiler on a CPU);
            ``onnxruntime`` and ``openvino`` after a conversion (some seconds), on a CPU, in
            float32.
        network: a transformers model with ``get_image_features``.
        image_size: side of the frames, pixels.
        device: where the network is.
        precision: of the network, ``fp32``, ``bf16`` or ``fp16``.

    Raises:
        ClipHarError: when the runtime is not installed, or does not support device or precision.
    """
    if runtime == "torch":
        return None
    check_runtime(runtime, device=device.type, precision=precision)
    tower = _ImageTower(network).eval()
    if runtime == "compile":
        return _compiled(tower)
    with TemporaryDirectory() as folder:
        path = _exported(tower, image_size, Path(folder))
        return _in_openvino(path) if runtime == "openvino" else _in_onnxruntime(path)


def _compiled(tower: torch.nn.Module) -> Tower:
    compiled = torch.compile(tower, dynamic=False, options={"freezing": True})
    full = 0

    def run(pixels: Tensor) -> Tensor:
        # A batch of another size would be compiled again, so the last, smaller one is padded.
        nonlocal full
        full = max(full, len(pixels))
        # Weights cannot be frozen in inference mode.
        with torch.inference_mode(mode=False), torch.no_grad():
            filled = pixels.new_zeros(full, *pixels.shape[1:])
            filled[: len(pixels)] = pixels
            features: Tensor = compiled(filled)
        return features[: len(pixels)]

    return run


def _exported(tower: torch.nn.Module, image_size: int, folder: Path) -> Path:
    """Write a network as ONNX, which both runtimes read, with its weights in the same folder."""
    example = torch.zeros(_TRACED, 3, image_size, image_size)
    with torch.no_grad():
        program = torch.onnx.export(
            tower,
            (example,),
            input_names=["pixels"],
            dynamic_shapes={"pixels": {0: torch.export.Dim("frames")}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101, None only without dynamo
    path = folder / "tower.onnx"
    program.save(
        path, external_data=True
    )  # one file is limited to 2 GB, and large towers are larger
    return path


def _in_openvino(path: Path) -> Tower:
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # else it uses bf16 if the processor has it
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    # Not openvino.convert_model, which sends usage data to its maker.
    compiled = openvino.Core().compile_model(str(path), "CPU", settings)

    def run(pixels: Tensor) -> Tensor:
        return torch.from_numpy(compiled(pixels.numpy())[0].copy())

    return run


def _in_onnxruntime(path: Path) -> Tower:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def run(pixels: Tensor) -> Tensor:
        return torch.from_numpy(session.run(None, {"pixels": pixels.numpy()})[0])

    return run
