"""What GPU users write: a PyTorch DataLoader whose worker processes decode, mask and preprocess.

With ``--device auto`` the model runs on the accelerator, in bf16, and batches are pinned.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, Dataset
from transformers import CLIPImageProcessor, CLIPModel, CLIPTokenizer

from benchmarks.peers.inputs import masks, parse, report, videos
from benchmarks.peers.user_script import black_square, sampled_frames


class Videos(Dataset[tuple[torch.Tensor, int]]):
    """The masked and preprocessed frames of each video, with the number of its class."""

    def __init__(
        self, clips: list[tuple[Path, int]], processor: Any, ratio: float, frames: int
    ) -> None:
        self.clips, self.processor = clips, processor
        self.ratio, self.frames = ratio, frames

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, label = self.clips[index]
        frames = [black_square(frame, self.ratio) for frame in sampled_frames(path, self.frames)]
        return self.processor(images=frames, return_tensors="pt")["pixel_values"], label


def main() -> None:
    """Classify every video under every mask."""
    started = time.perf_counter()
    arguments = parse(__doc__ or "")
    found = torch.accelerator.current_accelerator(check_available=True)
    device = found if found and arguments.device == "auto" else torch.device("cpu")
    dtype = torch.float32 if device.type == "cpu" else torch.bfloat16
    model: Any = CLIPModel.from_pretrained(arguments.checkpoint, dtype=dtype)
    model = model.eval().to(device)
    processor = CLIPImageProcessor.from_pretrained(arguments.checkpoint)
    tokenizer = CLIPTokenizer.from_pretrained(arguments.checkpoint)
    named = videos(arguments.root)
    names = sorted({name for _, name in named})
    clips = [(path, names.index(name)) for path, name in named]
    with torch.inference_mode():
        prompts = [f"a video of a person doing {name}" for name in names]
        tokens = tokenizer(prompts, return_tensors="pt", padding=True).to(device)
        text = model.get_text_features(**tokens).pooler_output
        text = text / text.norm(dim=-1, keepdim=True)
        loaded = time.perf_counter()
        for ratio in masks(arguments.cells):
            correct = torch.zeros((), device=device)
            loader = DataLoader(
                Videos(clips, processor, ratio, arguments.frames),
                batch_size=4,
                num_workers=os.cpu_count() or 1,
                pin_memory=device.type == "cuda",
            )
            for pixels, labels in loader:
                batch = pixels.to(device, dtype, non_blocking=True)
                image = model.get_image_features(pixel_values=batch.flatten(0, 1)).pooler_output
                image = (image / image.norm(dim=-1, keepdim=True)).unflatten(0, batch.shape[:2])
                answers = (100 * image @ text.T).mean(dim=1).argmax(dim=1)
                correct += (answers == labels.to(device)).sum()
            print(f"ratio {ratio}: accuracy {float(correct) / len(clips):.3f}", file=sys.stderr)
    report(load=loaded - started, cells=time.perf_counter() - loaded)


if __name__ == "__main__":
    main()
