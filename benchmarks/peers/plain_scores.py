"""The scores of every video, by public packages alone: to compare the suite's tables with.

Frames are the centres of equal segments; a black square hides ``--ratio`` of each frame as the
model sees it. Writes the scores ``(N, C)`` of the videos in the order of their paths.
"""

import time
from pathlib import Path

import av
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import CLIPModel, CLIPProcessor

from benchmarks.peers.inputs import parse, report, videos


def segment_centres(path: Path, count: int) -> list[NDArray[np.uint8]]:
    """Return frames ``(H, W, 3)`` at the centres of equal segments."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [
        np.asarray(frames[(2 * i + 1) * len(frames) // (2 * count)].to_ndarray(format="rgb24"))
        for i in range(count)
    ]


def fitted(processor: CLIPProcessor, frames: list[NDArray[np.uint8]]) -> torch.Tensor:
    """Return frames as the model sees them, ``(T, 3, S, S)`` uint8."""
    only_fitted = {"do_rescale": False, "do_normalize": False}
    seen: torch.Tensor = processor.image_processor(
        images=frames, return_tensors="pt", **only_fitted
    )["pixel_values"]
    return seen


def main() -> None:
    """Write the scores."""
    started = time.perf_counter()
    arguments = parse(__doc__ or "")
    model = CLIPModel.from_pretrained(arguments.checkpoint).eval()  # type: ignore[no-untyped-call]
    processor = CLIPProcessor.from_pretrained(arguments.checkpoint)
    clips = videos(arguments.root)
    names = sorted({name for _, name in clips})
    found = []
    with torch.inference_mode():
        prompts = [f"a photo of a person doing {name}." for name in names]
        tokens = processor(text=prompts, return_tensors="pt", padding=True)
        text = model.get_text_features(**tokens).pooler_output
        text = text / text.norm(dim=-1, keepdim=True)
        for path, _ in clips:
            frames = fitted(processor, segment_centres(path, arguments.frames))
            size = frames.shape[-1]
            side = round(arguments.ratio**0.5 * size)
            top = (size - side) // 2
            frames[:, :, top : top + side, top : top + side] = 0
            pixels = processor.image_processor(
                images=frames, return_tensors="pt", do_resize=False, do_center_crop=False
            )["pixel_values"]
            image = model.get_image_features(pixel_values=pixels).pooler_output
            image = (image / image.norm(dim=-1, keepdim=True)).mean(dim=0)
            found.append(model.logit_scale.exp() * image / image.norm() @ text.T)
    np.save(arguments.output, torch.stack(found).numpy())
    report(seconds=time.perf_counter() - started)


if __name__ == "__main__":
    main()
