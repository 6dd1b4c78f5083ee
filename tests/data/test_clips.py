"""Clips and their sets."""

import math
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clip_har.core.errors import ClipHarError
from clip_har.data.clips import Clip, ClipSet


@pytest.fixture
def made(tmp_path):
    clips = []
    for i in range(10):
        path = tmp_path / f"c{i}.avi"
        path.write_bytes(b"x" * (i + 1))
        clips.append(Clip(f"c{i}", path, i // 4, f"g{i // 2}", start=0.5 * i))
    return ClipSet("made", ("run", "jump", "sit"), tuple(clips), licence="none", citation="")


def test_labels_and_groups(made):
    assert made.labels.dtype == np.int64
    assert made.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 2
    assert made.groups.tolist() == ["g0", "g0", "g1", "g1", "g2", "g2", "g3", "g3", "g4", "g4"]
    with pytest.raises(ValueError, match="read-only"):
        made.labels[0] = 1


def test_digest_is_of_the_content_not_of_the_place(made, tmp_path):
    assert len(made.digest) <= 36
    int(made.digest, 16)
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    clips = []
    for clip in made.clips:
        path = moved / clip.path.name
        path.write_bytes(clip.path.read_bytes())
        os.utime(path, (0, 0))
        clips.append(replace(clip, path=path))
    assert replace(made, clips=tuple(clips)).digest == made.digest


@pytest.mark.parametrize(
    "change",
    [{"id": "other"}, {"label": 1}, {"group": "other"}, {"start": None}, {"end": 9.0}],
)
def test_digest_sees_each_field_of_a_clip(made, change):
    changed = replace(made, clips=(replace(made.clips[0], **change), *made.clips[1:]))
    assert changed.digest != made.digest


def test_digest_sees_names_sizes_and_order(made):
    digests = {
        made.digest,
        replace(made, name="other").digest,
        replace(made, class_names=("run", "jump", "lie")).digest,
        replace(made, clips=made.clips[::-1]).digest,
        made.limit(5).digest,
    }
    made.clips[3].path.write_bytes(b"longer than before")
    digests.add(replace(made).digest)
    made.clips[3].path.unlink()
    digests.add(replace(made).digest)
    assert len(digests) == 7


@pytest.mark.parametrize("n", range(1, 11))
def test_limit_is_evenly_spread(made, n):
    kept = [int(clip.id[1:]) for clip in made.limit(n).clips]
    assert len(kept) == n
    assert kept == sorted(set(kept))
    assert kept == [math.floor((i + Fraction(1, 2)) * 10 / n) for i in range(n)]
    assert made.limit(n).class_names == made.class_names
    assert made.limit(n) == made.limit(n)
    part = f" ({n} of 10 clips)" if n < 10 else ""
    assert made.limit(n).title == made.name + part
    assert made.limit(n).limit(1).title == f"{made.name} (1 of 10 clips)"


def test_limit_of_nothing_or_more_is_the_same_set(made):
    assert made.limit(None) is made
    assert made.limit(99) is made
    with pytest.raises(ClipHarError, match="at least 1"):
        made.limit(0)


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"clips": ()}, "no clips"),
        ({"class_names": ("run", "jump", "run")}, "class names .* run"),
        ({"class_names": ("run", "jump")}, "label 2, expected 0 to 1"),
        ({"clips": (Clip("a", Path(), 0, "g"), Clip("a", Path(), 0, "g"))}, "clip ids .* a"),
        ({"clips": (Clip("a", Path(), -1, "g"),)}, "label -1"),
    ],
)
def test_faulty_sets_are_refused(made, changes, fault):
    with pytest.raises(ClipHarError, match=fault):
        replace(made, **changes)
