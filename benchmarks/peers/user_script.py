"""A script that a user would write: PyAV, a mask in numpy, CLIPProcessor and CLIPModel."""

import sys
import time
from pathlib import Path

import av
import numpy as np
import torch
from transformers import CLIPModel, CLIPProcessor

from benchmarks.peers.inputs import masks, parse, report, videos


def sampled_frames(path: Path, count: int) -> list[np.ndarray]:
    """Decode a video and return frames ``(H, W, 3)`` at even distances."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        chosen = np.linspace(0, len(frames) - 1, count).round().astype(int)
        return [frames[index].to_ndarray(format="rgb24") for index in chosen]


def black_square(frame: np.ndarray, ratio: float) -> np.ndarray:
    """Hide a square in the middle of a frame."""
    height, width = frame.shape[:2]
    side = round((ratio * height * width) ** 0.5)
    top, left = max((height - side) // 2, 0), max((width - side) // 2, 0)
    masked = frame.copy()
    masked[top : top + side, left : left + side] = 0
    return masked


def main(*, text_once: bool) -> None:
    """Classify every video under every mask."""
    started = time.perf_counter()
    arguments = parse(__doc__ or "")
    model = CLIPModel.from_pretrained(arguments.checkpoint).eval()  # type: ignore[no-untyped-call]
    processor = CLIPProcessor.from_pretrained(arguments.checkpoint)
    clips = videos(arguments.root)
    names = sorted({name for _, name in clips})
    prompts = [f"a video of a person doing {name}" for name in names]
    with torch.inference_mode():
        if text_once:
            tokens = processor(text=prompts, return_tensors="pt", padding=True)
            text = model.get_text_features(**tokens).pooler_output
            text = text / text.norm(dim=-1, keepdim=True)
        loaded = time.perf_counter()
        for ratio in masks(arguments.cells):
            correct = 0
            for path, name in clips:
                frames = sampled_frames(path, arguments.frames)
                frames = [black_square(frame, ratio) for frame in frames]
                if text_once:
                    pixels = processor(images=frames, return_tensors="pt")
                    image = model.get_image_features(**pixels).pooler_output
                    image = image / image.norm(dim=-1, keepdim=True)
                    logits = (100 * image @ text.T).mean(dim=0)
                else:
                    inputs = processor(
                        text=prompts, images=frames, return_tensors="pt", padding=True
                    )
                    logits = model(**inputs).logits_per_image.mean(dim=0)
                correct += names[int(logits.argmax())] == name
            print(f"ratio {ratio}: accuracy {correct / len(clips):.3f}", file=sys.stderr)
    report(load=loaded - started, cells=time.perf_counter() - loaded)


if __name__ == "__main__":
    main(text_once=False)
