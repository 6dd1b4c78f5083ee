"""OmniFall is fetched with its authors' package; stand-ins take the place of it and the hub."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import huggingface_hub
import pytest

from clip_har.cli.data.command import main
from clip_har.config.compose import build
from clip_har.data.sources.omnifall import OmniFall
from tests.config.test_cell import composed
from tests.data.sources.healthcare import OMNIFALL, drawn, put, write_lists

VIDEOS = ("Home_01/video_1", "Coffee_room_01/video_1", "Office/video_3")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[object, ...]]:
    """Stand in for the hub and the package; return what they are asked for."""
    calls: list[tuple[object, ...]] = []
    video = drawn(tmp_path / "drawn.mp4")

    def snapshot_download(name: str, *, repo_type: str, local_dir: Path, **_: object) -> str:
        calls.append((name, repo_type))
        write_lists(local_dir, OMNIFALL)
        return str(local_dir)

    def verify(_: str, *, video_dir: Path) -> SimpleNamespace:
        return SimpleNamespace(complete=len(list(video_dir.rglob("*.mp4"))) == len(VIDEOS))

    def prepare(name: str, *, video_dir: Path, consent: bool, force: bool = False) -> Path:
        if name == "cmdfall":
            raise RuntimeError("CMDFall is given by e-mail:\n  write to its authors")
        assert video_dir.is_dir(), "the package refuses a folder that is not there"
        if not force and any(video_dir.rglob("*.mp4")):
            return video_dir  # "already prepared"
        calls.append((name, consent))
        for clip in VIDEOS:
            put(video, video_dir / f"{clip}.mp4")
        return video_dir

    package = ModuleType("omnifall")
    package.__dict__.update(DATASETS=["le2i", "cmdfall"], prepare=prepare, verify=verify)
    monkeypatch.setitem(sys.modules, "omnifall", package)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return calls


def call(root: Path, *words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["prepare", "omnifall", "--root", str(root), *words])
    return int(ended.value.code or 0)


def test_a_component_is_laid_out_as_it_is_read(
    tmp_path: Path, asked: list[object], capsys: pytest.CaptureFixture[str]
) -> None:
    root = tmp_path / "omnifall"
    assert call(root, "le2i", "--accept-licence") == 0
    assert asked == [("simplexsigil2/omnifall", "dataset"), ("le2i", True)]
    printed = capsys.readouterr().out
    assert "licence: of each component" in printed
    assert f"use it: dataset=omnifall dataset.root={root}\n" in printed
    config = composed("dataset=omnifall", f"dataset.root={root}", "dataset.part=le2i")
    source = build(config.dataset, "dataset")
    assert isinstance(source, OmniFall)
    assert {clip.path for clip in source.clips().clips} == {
        root / "le2i" / "video" / "Home_01" / "video_1.mp4",
        root / "le2i" / "video" / "Coffee_room_01" / "video_1.mp4",
    }


def test_a_command_that_was_killed_is_continued(tmp_path: Path, asked: list[object]) -> None:
    videos = tmp_path / "omnifall" / "le2i" / "video"
    put(None, videos / "Home_01" / "video_1.mp4")
    assert call(tmp_path / "omnifall", "le2i", "--accept-licence") == 0
    assert len(list(videos.rglob("*.mp4"))) == len(VIDEOS)
    assert call(tmp_path / "omnifall", "le2i", "--accept-licence") == 0
    assert asked.count(("le2i", True)) == 1, "what is whole is not fetched again"


def test_without_a_component_only_lists_are_fetched(tmp_path: Path, asked: list[object]) -> None:
    assert call(tmp_path / "omnifall") == 0
    assert len(asked) == 1
    assert (tmp_path / "omnifall" / "labels" / "le2i.csv").is_file()


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (["le2I"], "le2I: omnifall has no such component; expected some of cmdfall, le2i"),
        (["cmdfall"], "omnifall cannot prepare cmdfall: CMDFall is given by e-mail: write to"),
        (["--archive=x.zip"], "--archive, --splits, --download and --sha256 are for ucf101 and"),
    ],
)
@pytest.mark.usefixtures("asked")
def test_mistakes_give_one_line(
    words: list[str], fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(tmp_path / "omnifall", *words) == 1
    printed = capsys.readouterr().err
    assert fault in printed
    assert printed.count("\n") == 1


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "omnifall", None)
    assert call(tmp_path / "omnifall", "le2i") == 1
    assert "needs the authors' package: pip install omnifall, and ffmpeg" in capsys.readouterr().err
    assert not (tmp_path / "omnifall").exists()


def test_a_hub_that_gives_nothing(
    tmp_path: Path,
    asked: list[object],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ConnectionError("no\nnetwork")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", refuse)
    assert call(tmp_path / "omnifall", "le2i") == 1
    assert "cannot be fetched from the hub (simplexsigil2/omnifall): no network" in (
        capsys.readouterr().err
    )
    assert not asked
