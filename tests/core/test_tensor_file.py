"""Tensors on disk: whole, unchanged and finite, or not read."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from clip_har.core.tensor_file import read_tensors, write_tensors

TENSORS = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(1 / 3, dtype=torch.float64)}
TEXTS = {"card": "{}", "course": "é\n"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "x.safetensors"
    write_tensors(found, TENSORS, TEXTS)
    return found


def test_what_is_written_is_read(path):
    tensors, texts = read_tensors(path)
    assert texts == TEXTS
    assert tensors.keys() == TENSORS.keys()
    assert all(torch.equal(tensors[name], value) for name, value in TENSORS.items())
    assert all(tensors[name].dtype == value.dtype for name, value in TENSORS.items())


def test_a_part_of_a_larger_tensor_that_has_a_gradient_can_be_written(path):
    whole = torch.arange(12.0).reshape(3, 4).requires_grad_()
    write_tensors(path, {"column": whole[:, 1]}, {})
    assert read_tensors(path)[0]["column"].tolist() == [1, 5, 9]


@pytest.mark.parametrize("changed", ["value", "shape", "name", "text", "digest", "more"])
def test_whatever_is_changed_shows(path, changed):
    tensors, texts = load_file(path), dict(TEXTS)
    digest = safe_digest(path)
    if changed == "value":
        tensors["a"][0, 0] += 1
    elif changed == "shape":
        tensors["a"] = tensors["a"].reshape(3, 2)
    elif changed == "name":
        tensors["c"] = tensors.pop("a")
    elif changed == "text":
        texts["card"] = "{ }"
    elif changed == "more":
        texts["other"] = ""
    else:
        digest = "0" * 32
    save_file(tensors, path, metadata={**texts, "digest": digest})
    with pytest.raises(ValueError, match="not those that were written"):
        read_tensors(path)


def safe_digest(path: Path) -> str:
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        return str(file.metadata()["digest"])


def test_a_file_of_another_kind(tmp_path):
    (tmp_path / "text").write_text("no tensors")
    with pytest.raises(ValueError, match="no safetensors file"):
        read_tensors(tmp_path / "text")
    with pytest.raises(OSError, match="No such file"):
        read_tensors(tmp_path / "gone")


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_what_is_not_finite_is_refused(path, value):
    write_tensors(path, {"a": torch.tensor([0.0, value])}, {})
    with pytest.raises(ValueError, match="a has values that are not finite"):
        read_tensors(path)


def test_a_write_that_fails_leaves_the_old_file(path, monkeypatch):
    def full(*_: object, **__: object) -> None:
        from safetensors import SafetensorError

        raise SafetensorError("I/O error: No space left on device")

    monkeypatch.setattr("clip_har.core.tensor_file.save_file", full)
    with pytest.raises(OSError, match="No space left"):
        write_tensors(path, {}, {})
    assert read_tensors(path)[1] == TEXTS
    assert [found.name for found in path.parent.iterdir()] == [path.name]
