"""Damage to files is detected, whatever its kind."""

import json
from pathlib import Path

import pytest

from clip_har.core.checksum import (
    MANIFEST,
    checksum,
    read_checked,
    read_manifest,
    write_checked,
    write_manifest,
)
from tests.damage import DAMAGES, delete, flip


def test_the_checksum_is_xxh3() -> None:
    assert checksum(b"") == "99aa06d3014798d86001c324468d497f"  # the published value
    assert checksum(b"ab") != checksum(b"ba")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_object_is_not_read(tmp_path: Path, damage) -> None:
    path = tmp_path / "index.json"
    content = {"clips": [1, 2.5, None, "ä"], "format": 2}
    write_checked(path, content)
    assert read_checked(path) == content
    damage(path)
    assert read_checked(path) is None


@pytest.mark.parametrize("text", ["[]", "1", "{}", '{"checksum": "0"}', "\x00"])
def test_another_file_is_not_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    assert read_checked(tmp_path / "index.json") is None


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    (tmp_path / "a").write_text("some text")
    (tmp_path / "deep" / "b").write_bytes(bytes(range(256)))
    write_manifest(tmp_path, {"code": "1"})
    return tmp_path


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["a", "deep/b"])
def test_a_damaged_file_is_named(folder: Path, name: str, damage) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.facts == {"code": "1"}
    assert manifest.damaged() == ()
    damage(folder / name)
    assert manifest.damaged() == (name,)


def test_two_files_that_changed_places_are_damage(folder: Path) -> None:
    (folder / "a").rename(folder / "c")
    (folder / "deep" / "b").rename(folder / "a")
    (folder / "c").rename(folder / "deep" / "b")
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.damaged() == ("a", "deep/b")


def test_a_file_is_read_once_in_a_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = read_manifest(folder)
    assert manifest is not None
    assert manifest.damaged() == ()
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("read again"))
    assert manifest.damaged() == ()


def test_the_manifest_is_made_of_its_own_folder(folder: Path) -> None:
    text = json.loads((folder / MANIFEST).read_text())
    assert text["files"]["a"] == [9, checksum(b"some text")]
    assert MANIFEST not in text["files"]
    for damage in (flip, delete):
        damage(folder / MANIFEST)
        assert read_manifest(folder) is None
