"""Cholec80: runs of phases in stretches, operations as groups, tools as attributes."""

import pytest
from pydantic import ValidationError

from clip_har.core.errors import ClipHarError
from clip_har.data.parts import check_apart
from clip_har.data.sources.cholec80 import PHASES, TOOLS, Cholec80
from tests.data.sources.healthcare import lay_cholec80


@pytest.fixture
def root(tmp_path):
    return lay_cholec80(tmp_path)


def write_phases(root, *runs, name="video41"):
    """Write the phases of an operation: pairs of an index and a number of frames."""
    frames = [PHASES[phase] for phase, count in runs for _ in range(count)]
    lines = [f"{number}\t{phase}" for number, phase in enumerate(frames)]
    path = root / f"phase_annotations/{name}-phase.txt"
    path.write_text("\n".join(["Frame\tPhase", *lines, ""]))
    return path


def test_runs_of_phases_are_clips(root):
    clips = Cholec80(root=root).clips()
    assert (clips.name, clips.class_names) == ("cholec80/test/40-40", PHASES)
    assert len(clips.clips) == 40 * 3
    assert [(c.id, c.label, c.group, c.start, c.end) for c in clips.clips[:3]] == [
        ("video41#0-1", 0, "video41", None, 1.0),
        ("video41#1-2", 1, "video41", 1.0, 2.0),
        ("video41#2-3", 2, "video41", 2.0, 3.0),
    ]
    assert clips.clips[0].path == root / "videos/video41.mp4"


@pytest.mark.parametrize(
    ("seconds", "spans"),
    [
        (2, [(0, 2), (2, 4), (4, 6.8), (6.8, 8), (8, 10)]),
        (3, [(0, 3), (3, 6.8), (6.8, 8), (8, 10)]),
        (None, [(0, 6.8), (6.8, 8), (8, 10)]),
    ],
)
def test_runs_are_cut_into_stretches(root, seconds, spans):
    write_phases(root, (1, 170), (3, 30), (1, 50))
    clips = Cholec80(root=root, seconds=seconds).clips().clips
    own = [clip for clip in clips if clip.group == "video41"]
    assert [(clip.start or 0, clip.end) for clip in own] == spans
    assert [clip.label for clip in own[-3:]] == [1, 3, 1]


def test_tools_are_attributes(root):
    (root / "tool_annotations/video42-tool.txt").unlink()
    clips = Cholec80(root=root).clips().clips
    assert [clip.attributes["tool.Hook"] for clip in clips[:3]] == ["no", "yes", "no"]
    assert set(clips[0].attributes) == {f"tool.{tool}" for tool in TOOLS}
    assert clips[0].attributes["tool.Grasper"] == "yes"
    assert clips[3].attributes == {}


def test_a_stretch_without_an_annotated_second_has_no_tools(root):
    write_phases(root, (1, 26), (3, 20), (1, 30))  # the tools are annotated at 0 s, 1 s, 2 s
    clips = Cholec80(root=root).clips().clips
    own = [bool(clip.attributes) for clip in clips if clip.group == "video41"]
    assert own == [True, False, True]


@pytest.mark.parametrize(
    ("split", "subset", "numbers"),
    [
        ("40-40", "train", range(1, 41)),
        ("32-8-40", "train", range(1, 33)),
        ("32-8-40", "val", range(33, 41)),
        ("32-8-40", "test", range(41, 81)),
        ("40-8-32", "val", range(41, 49)),
        ("40-8-32", "test", range(49, 81)),
        ("40-40", "all", range(1, 81)),
    ],
)
def test_splits_are_by_operation(root, split, subset, numbers):
    clips = Cholec80(root=root, split=split, subset=subset).clips()
    assert list(dict.fromkeys(clips.groups)) == [f"video{number:02d}" for number in numbers]


def test_training_is_apart(root):
    source = Cholec80(root=root)
    check_apart(source.training().clips(), source.clips(), what="noise")
    with pytest.raises(ValidationError, match="split=40-40 has no subset val"):
        Cholec80(root=root, subset="val")


def test_missing_operations_are_counted(root):
    (root / "videos/video50.mp4").unlink()
    (root / "phase_annotations/video60-phase.txt").unlink()
    with pytest.raises(ClipHarError, match=r"2 of 40 operations .*video50, video60"):
        Cholec80(root=root).clips()
    left = Cholec80(root=root, allow_missing=True).clips()
    assert (len(left.clips), left.title) == (114, "cholec80/test/40-40 (38 of 40 operations)")
    with pytest.raises(ClipHarError, match=r"videos does not exist.*dataset\.root="):
        Cholec80(root=root / "videos").clips()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Frame\tPhase\n0\tPreparation\n2\tPreparation\n", "line 3: expected '1' and one of"),
        ("Frame\tPhase\n0\tPreparation\n1\tClipping\n", "line 3: .*, got '1 Clipping'"),
        ("Frame\tPhase\n0\n", "line 2: expected '0' and one of"),
        ("0\tPreparation\n1\tPreparation\n", "line 2: expected '0'"),
        ("0\tPreparation\n0\tPreparation\n", "line 1: expected 'Frame Phase'"),
        ("Frame\tPhase\n", "has no frames"),
        ("", "has no frames"),
    ],
)
def test_faulty_phases_are_named(root, text, fault):
    (root / "phase_annotations/video41-phase.txt").write_text(text)
    with pytest.raises(ClipHarError, match=rf"video41-phase\.txt,? {fault}"):
        Cholec80(root=root).clips()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("75\t2\t0\t0\t0\t0\t0\t0", "line 5: expected 'Grasper' to be 0 or 1, got '2'"),
        ("75\t1\t0", "line 5: expected 8 values as in the header"),
        ("x\t1\t0\t0\t0\t0\t0\t0", "line 5: expected 'Frame' as a whole number"),
    ],
)
def test_faulty_tools_are_named(root, line, fault):
    with (root / "tool_annotations/video41-tool.txt").open("a") as table:
        table.write(f"{line}\n")
    with pytest.raises(ClipHarError, match=fault):
        Cholec80(root=root).clips()
