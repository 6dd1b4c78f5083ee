"""What a folder lacks is said of the setting that names it, for every kind of model."""

import json
from pathlib import Path

import pytest
from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

from clip_har.core.errors import ClipHarError
from clip_har.models.checkpoint import (
    MODEL,
    REGION,
    CheckpointFormat,
    find_checkpoint,
    patch_size,
    read_json,
)

WHOLE = CheckpointFormat(MODEL, conversion="with a tool")
WEIGHTS = CheckpointFormat(REGION, conversion="with another tool", weights_only=True)

ON_THE_HUB = [
    "config.json", "model.safetensors", "model.safetensors.index.json", "model.bin",
    "model-00001-of-00002.safetensors", "model.fp16.safetensors", "model_ema.safetensors",
    "open_clip_model.safetensors",
]  # fmt: skip


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    (tmp_path / "model.safetensors").write_bytes(b"")
    return tmp_path


def test_a_format_decides_what_must_be_there(bare: Path) -> None:
    assert find_checkpoint(str(bare), None, WEIGHTS) == bare
    with pytest.raises(ClipHarError, match=r"there is no config\.json"):
        find_checkpoint(str(bare), None, WHOLE)


@pytest.mark.parametrize("expected", [WHOLE, WEIGHTS], ids=["transformers", "weights only"])
def test_messages_name_the_setting_and_the_tool(expected: CheckpointFormat, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.pth").write_bytes(b"")
    with pytest.raises(
        ClipHarError,
        match=rf"^{expected.setting}=.*\*\.safetensors.*pickled.*once {expected.conversion}$",
    ):
        find_checkpoint(str(tmp_path), None, expected)
    with pytest.raises(ClipHarError, match=f"^{expected.setting}=nowhere: no such folder"):
        find_checkpoint("nowhere", None, expected)


@pytest.mark.parametrize("setting", [MODEL, REGION])
def test_the_advice_offline_names_the_setting(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    expected = CheckpointFormat(setting, conversion="")
    with pytest.raises(
        ClipHarError,
        match=rf"^{setting}=owner/name: .*hf download owner/name --revision 1a2b .*{setting}=FOLD",
    ):
        find_checkpoint("owner/name", "1a2b", expected)


@pytest.mark.parametrize(
    ("expected", "weights"),
    [
        (WHOLE, {"model.safetensors", "model-00001-of-00002.safetensors"}),
        (WEIGHTS, set(ON_THE_HUB) - {"config.json", "model.safetensors.index.json", "model.bin"}),
    ],
    ids=["transformers", "weights only"],
)
def test_only_what_is_read_is_fetched_from_the_hub(
    expected: CheckpointFormat,
    weights: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fetched: set[str] = set()

    def hub(name: str, *, allow_patterns: list[str], **_: object) -> str:
        fetched.update(filter_repo_objects(ON_THE_HUB, allow_patterns=allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", hub)
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: None)
    with pytest.raises(ClipHarError):  # the folder is empty
        find_checkpoint("owner/name", "1a2b", expected)
    assert fetched == weights | {"config.json", "model.safetensors.index.json"}


@pytest.mark.parametrize("expected", [WHOLE, WEIGHTS], ids=["transformers", "weights only"])
def test_a_missing_shard(expected: CheckpointFormat, bare: Path) -> None:
    (bare / "config.json").write_text("{}")
    index = {"weight_map": {"a": "model.safetensors", "b": "model-2.safetensors"}}
    (bare / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ClipHarError, match=r"model-2\.safetensors is missing"):
        find_checkpoint(str(bare), None, expected)


@pytest.mark.parametrize("content", [None, "{half", "[1]"])
def test_a_json_file_that_cannot_be_read(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(ClipHarError, match=rf"^{REGION}=.*config.json is "):
        read_json(tmp_path, "config.json", setting=REGION)


@pytest.mark.parametrize(("kind", "usual"), [("clip", 32), ("siglip", 16), ("xclip", 32)])
@pytest.mark.parametrize("given", [None, 14])
def test_a_patch_size_that_is_left_out_is_that_of_the_kind(
    kind: str, usual: int, given: int | None, tmp_path: Path
) -> None:
    """As in google/siglip-base-patch16-224, whose ``vision_config`` names no number at all."""
    vision = {} if given is None else {"patch_size": given}
    config = {"model_type": kind, "vision_config": {"model_type": f"{kind}_vision_model", **vision}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert patch_size(tmp_path) == (given or usual)
