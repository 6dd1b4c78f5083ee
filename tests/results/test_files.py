"""The files of a cell are read as they were written."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from clip_har.core.errors import ClipHarError
from clip_har.results.files import read_config


@pytest.mark.parametrize(
    "text",
    [
        "a: 1e-3\nb: 2026-01-01\nc: 1:30\nd: yes\ne: 0x1f\nf: 012\ng: 1_000\nh: .5\ni: ~",
        "fill: '#808080'\nname: '1e3'\nwide: [1, 2.0, .inf]\nnested: {deep: {äö: \"走\\n\"}}",
        "seed: 3\nnoise_seed: ${seed}",
    ],
)
def test_a_configuration_is_what_omegaconf_reads(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    expected = OmegaConf.load(path)
    assert read_config(path) == expected
    assert str(read_config(path)) == str(expected)


@pytest.mark.parametrize("text", ["", "[1, 2", "a: b: c", "- 1"])
def test_a_damaged_configuration_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ClipHarError, match=r"config.yaml is damaged \(.+\): run the command"):
        read_config(path)
