"""open_clip's zero-shot loop, as its README has it, over the frames of videos; random weights."""

import sys
import time

import open_clip
import torch
from PIL import Image

from benchmarks.peers.inputs import masks, parse, report, videos
from benchmarks.peers.user_script import black_square, sampled_frames


def main() -> None:
    """Classify every video under every mask."""
    started = time.perf_counter()
    arguments = parse(__doc__ or "")
    model, _, preprocess = open_clip.create_model_and_transforms(arguments.architecture)
    model.eval()
    tokenizer = open_clip.get_tokenizer(arguments.architecture)
    clips = videos(arguments.root)
    names = sorted({name for _, name in clips})
    with torch.inference_mode():
        text = model.encode_text(tokenizer([f"a video of a person doing {name}" for name in names]))
        text /= text.norm(dim=-1, keepdim=True)
        loaded = time.perf_counter()
        for ratio in masks(arguments.cells):
            correct = 0
            for path, name in clips:
                frames = [
                    preprocess(Image.fromarray(black_square(frame, ratio)))
                    for frame in sampled_frames(path, arguments.frames)
                ]
                image = model.encode_image(torch.stack(frames))
                image /= image.norm(dim=-1, keepdim=True)
                answer = (100 * image @ text.T).softmax(dim=-1).mean(dim=0).argmax()
                correct += names[int(answer)] == name
            print(f"ratio {ratio}: accuracy {correct / len(clips):.3f}", file=sys.stderr)
    report(load=loaded - started, cells=time.perf_counter() - loaded)


if __name__ == "__main__":
    main()
