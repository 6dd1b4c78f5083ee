"""The plan of a command: what it counts is what a run does, and nothing is run for it."""

import os
from pathlib import Path

import pytest
from torch import Tensor

from clip_har.api.sweep import sweep_here
from clip_har.cli.plan import plan_notes
from clip_har.config.session import session
from clip_har.models.dual_encoder import DualEncoder
from clip_har.sweeps.plan import Plan, plan_of
from clip_har.sweeps.start import check_jobs
from tests.command import run_command
from tests.data.made import write_video

PAPER = ("experiment=paper/masking", "masking=none,percent,shape", "ratio=0.1,0.3,0.5")
ALONE = ("noise.controls=false",)
LEARNING = ("learning.steps=3", "learning.batch=8", "learning.validate_every=2")


@pytest.fixture
def passed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of frames of each pass through a model."""
    counts: list[int] = []
    encode = DualEncoder.encode_pixels

    def counting(self: DualEncoder, pixels: Tensor) -> Tensor:
        counts.append(len(pixels))
        return encode(self, pixels)

    monkeypatch.setattr(DualEncoder, "encode_pixels", counting)
    return counts


def ucf101_of(root: Path, *, clips: int) -> Path:
    """Lay out empty files under the names of UCF-101's test split."""
    lists = root / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    names = [f"v_Archery_g{number % 7 + 1:02}_c{number:04}.avi" for number in range(clips)]
    (root / "UCF-101" / "Archery").mkdir(parents=True)
    for name in names:
        (root / "UCF-101" / "Archery" / name).touch()
    (lists / "classInd.txt").write_text("1 Archery\n2 Biking\n")
    (lists / "testlist01.txt").write_text("".join(f"Archery/{name}\n" for name in names))
    return root


def planned(*words: str) -> Plan:
    """Return the plan of a sweep."""
    with session() as hydra:
        return plan_of(check_jobs(hydra.expand(list(words)), lambda job: hydra.compose(list(job))))


def total(plan: Plan) -> int:
    return sum(step.frames or 0 for step in plan.steps)


def test_the_papers_masks(tmp_path: Path, small_clip: Path) -> None:
    root = ucf101_of(tmp_path / "ucf101", clips=3783)
    common = (f"dataset.root={root}", f"model.checkpoint={small_clip}", "tracking=none")
    folders = (f"results_dir={tmp_path / 'results'}", f"cache_dir={tmp_path / 'cache'}")
    plan = planned(*PAPER, *common, *folders)
    assert total(plan) == 211_848
    cells = [step for step in plan.steps if step.is_cell]
    assert [step.frames for step in cells] == [3783 * 8] * 7
    assert plan.equal == 2
    (store,) = (step for step in plan.steps if not step.is_cell)
    assert store.disk == 3783 * 8 * 3 * 64**2
    assert {step.state for step in plan.steps} == {"to do"}
    assert not (tmp_path / "results").exists()
    assert not (tmp_path / "cache").exists()


def test_frames_that_only_decoding_tells_are_not_guessed(tmp_path: Path, small_clip: Path) -> None:
    root = ucf101_of(tmp_path / "ucf101", clips=4)
    words = (
        *("dataset=ucf101", f"dataset.root={root}", "model=clip", f"model.checkpoint={small_clip}"),
        *(
            "tracking=none",
            f"results_dir={tmp_path}",
            f"cache_dir={tmp_path}",
            "frames.sampler=fps",
        ),
    )
    plan = planned(*words)
    assert [step.frames for step in plan.steps if step.is_cell] == [None]
    assert "not known before they are decoded" in plan_notes(plan)[0]
    assert total(planned(*words, "frames.max_frames=5")) == 20


@pytest.mark.long
@pytest.mark.parametrize(
    "words",
    [
        ("masking=none,percent,feature", "attention_clips=3"),
        ("masking=percent", "noise=universal", *LEARNING),
        ("masking=percent", "noise=class_specific", *LEARNING),
        ("masking=percent", "noise=class_specific", *ALONE, *LEARNING),
        ("masking=percent", "noise=class_specific", *ALONE, "noise.protocol=topk", *LEARNING),
        ("masking=percent", "noise=embedding", *LEARNING),
    ],
    ids=["masks", "universal", "class_specific", "candidate", "topk", "embedding"],
)
def test_frames_are_those_of_a_run(
    tmp_path: Path, passed: list[int], words: tuple[str, ...]
) -> None:
    drawn = Path(os.environ["CLIP_HAR_CACHE"]) / "synthetic"  # rendered once for all tests
    common: tuple[str, ...] = (
        "dataset.count=20",
        "dataset.train_count=40",
        f"dataset.cache_dir={drawn}",
    )
    common += ("tracking=none", f"results_dir={tmp_path}", f"cache_dir={tmp_path / 'cache'}")
    plan = planned(*words, *common)
    with session() as hydra:
        sweep_here([*words, *common], hydra)
    tried = passed[0] == 1  # the first time a process loads a model, on one frame
    assert sum(passed) - tried == total(plan)
    again = planned(*words, *common)
    assert {step.state for step in again.steps if step.is_cell} == {"done"}
    assert total(again) == 0


def test_the_command_prints_it_and_writes_nothing(tmp_path: Path, small_clip: Path) -> None:
    for label, name in enumerate(("climbing", "swimming")):
        path = tmp_path / "videos" / name / f"{name}.mp4"
        write_video(path, 6 + label)
    before = sorted(tmp_path.rglob("*"))
    common = ("dataset=folder", f"dataset.root={tmp_path / 'videos'}", "model=clip")
    words = (*common, f"model.checkpoint={small_clip}", "frames.count=2", "masking=percent")
    for mode in ((), ("-m", "ratio=0.1,0.3")):
        done = run_command(tmp_path, *mode, *words, "plan=true", with_store=False)
        assert done.returncode == 0, done.stderr
        assert "nothing was run" in done.stdout
        assert max(map(len, done.stdout.splitlines())) <= 100
        assert sorted(tmp_path.rglob("*")) == before
    done = run_command(tmp_path, *words, "tracking=none")
    assert done.returncode == 0, done.stderr
    done = run_command(tmp_path, *words, "tracking=none", "plan=true")
    assert "2 cells: 2 done" in done.stdout
    done = run_command(tmp_path, *words, "tracking=none", "overwrite=always", "plan=true")
    assert "1 done, 1 to do" in done.stdout  # the clean twin is not run again
    assert "frames a second in 2 earlier cells" in done.stdout
