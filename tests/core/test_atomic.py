from pathlib import Path

import pytest

from clip_har.core.atomic import clear_up, whole_file, whole_folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_appears_whole(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "cell") as out:
        (out / "a").write_text("1")
        assert not (tmp_path / "cell").exists()
    assert names(tmp_path) == ["cell"]
    assert (tmp_path / "cell").stat().st_mode & 0o055 == 0o055, "others may read it"


def test_an_old_folder_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / "cell").mkdir()
    (tmp_path / "cell" / "old").write_text("1")
    with pytest.raises(RuntimeError), whole_folder(tmp_path / "cell") as out:
        (out / "new").write_text("2")
        raise RuntimeError
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == ["old"]
    with whole_folder(tmp_path / "cell") as out:
        (out / "new").write_text("2")
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == ["new"]


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".cell-abc").mkdir()
    (tmp_path / ".other-abc").mkdir()
    with whole_folder(tmp_path / "cell"):
        pass
    assert names(tmp_path) == [".other-abc", "cell"]


def test_the_old_folder_comes_back_where_its_successor_was_killed(tmp_path: Path) -> None:
    (tmp_path / ".cell-abc" / "old").mkdir(parents=True)
    (tmp_path / ".cell-abc" / "old" / "result").write_text("1")
    (tmp_path / ".cell-def").mkdir()  # the successor, which never got its name
    clear_up(tmp_path / "cell")
    assert names(tmp_path) == ["cell"]
    assert names(tmp_path / "cell") == ["result"]


def test_a_file_appears_whole(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file"
    with pytest.raises(RuntimeError), whole_file(path) as out:
        out.write_text("half")
        raise RuntimeError
    assert names(path.parent) == []
    with whole_file(path) as out:
        out.write_text("all")
    assert path.read_text() == "all"
    assert path.stat().st_mode & 0o044 == 0o044, "others may read it"
