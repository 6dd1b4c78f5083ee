"""Only the image tower's forward pass: eager PyTorch over prepared frames.

Prints the seconds of one pass over all frames of all videos at the best of some batch sizes; the
frames are random numbers of the same shape, which cost the same.
"""

import time

import torch
from transformers import CLIPModel

from benchmarks.peers.inputs import parse, report, videos

BATCHES = (16, 32, 64)


def main() -> None:
    """Time one pass over all frames."""
    arguments = parse(__doc__ or "")
    model = CLIPModel.from_pretrained(arguments.checkpoint).eval()  # type: ignore[no-untyped-call]
    size = model.config.vision_config.image_size
    count = len(videos(arguments.root)) * arguments.frames
    pixels = torch.randn(max(BATCHES), 3, size, size)

    @torch.inference_mode()
    def seconds(batch: int, frames: int) -> float:
        model.get_image_features(pixel_values=pixels[:batch])
        started = time.perf_counter()
        for start in range(0, frames, batch):
            model.get_image_features(pixel_values=pixels[: min(batch, frames - start)])
        return time.perf_counter() - started

    # Three short runs of each: one slow moment must not decide on the batch size.
    looks = {batch: sorted(seconds(batch, max(BATCHES)) for _ in range(3))[1] for batch in BATCHES}
    best = min(looks, key=lambda batch: looks[batch])
    report(batch=best, cell=seconds(best, count))


if __name__ == "__main__":
    main()
