"""transformers' zero-shot image classification pipeline, frame by frame."""

import sys
import time

import torch
from PIL import Image
from transformers import pipeline

from benchmarks.peers.inputs import masks, parse, report, videos
from benchmarks.peers.user_script import black_square, sampled_frames


def main() -> None:
    """Classify every frame of every video under every mask."""
    started = time.perf_counter()
    arguments = parse(__doc__ or "")
    classify = pipeline(
        "zero-shot-image-classification", model=str(arguments.checkpoint), device="cpu"
    )
    clips = videos(arguments.root)
    names = sorted({name for _, name in clips})
    loaded = time.perf_counter()
    with torch.inference_mode():
        for ratio in masks(arguments.cells):
            correct = 0
            for path, name in clips:
                votes: dict[str, float] = {}
                for frame in sampled_frames(path, arguments.frames):
                    picture = Image.fromarray(black_square(frame, ratio))
                    for answer in classify(
                        picture,
                        candidate_labels=names,
                        hypothesis_template="a video of a person doing {}",
                    ):
                        label = answer["label"]
                        votes[label] = votes.get(label, 0.0) + answer["score"]
                correct += max(votes, key=lambda label: votes[label]) == name
            print(f"ratio {ratio}: accuracy {correct / len(clips):.3f}", file=sys.stderr)
    report(load=loaded - started, cells=time.perf_counter() - loaded)


if __name__ == "__main__":
    main()
