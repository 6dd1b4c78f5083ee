"""The page about domains: its experiment composes as it is written there."""

from pathlib import Path

from clip_har.config.session import session
from tests.docs.pages import DOCS, blocks


def test_its_experiment_composes(tmp_path: Path) -> None:
    (code,) = [one.code for one in blocks(DOCS / "domains.md") if one.language == "yaml"]
    own = tmp_path / "experiment" / "my_domains.yaml"
    own.parent.mkdir()
    own.write_text(code, encoding="utf-8")
    with session() as hydra:
        config = hydra.compose(["experiment=my_domains", f"hydra.searchpath=[{tmp_path}]"])
    parts = config.hydra.sweeper.parts
    assert list(parts) == ["UCF-101", "Ward"]
    assert config.hydra.sweeper.params.masking == "none,percent,shape"
