"""The groups of UCF-101's test split 1: 101 classes of 7 groups, 3,783 clips; sizes only."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SIZES = Path(__file__).with_name("ucf101_split1_groups.txt")


def split1(classes: int | None = None) -> tuple[NDArray[np.int64], list[str]]:
    """Return ``(N,)`` labels and N groups.

    Args:
        classes: the first classes only; None for all.
    """
    lines = SIZES.read_text(encoding="utf-8").splitlines()[:classes]
    sizes = [[int(size) for size in line.split()] for line in lines]
    labels = np.concatenate([np.repeat(c, sum(of_class)) for c, of_class in enumerate(sizes)])
    groups = [
        f"class {c} group {g}"
        for c, of_class in enumerate(sizes)
        for g, size in enumerate(of_class)
        for _ in range(size)
    ]
    return labels, groups
