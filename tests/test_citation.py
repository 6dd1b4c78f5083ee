"""CITATION.cff is one, and says what the package says."""

import yaml

import clip_har
from tests.conftest import REPOSITORY

REQUIRED = {"cff-version", "message", "title", "authors"}
KNOWN = REQUIRED | {"type", "abstract", "license", "version", "keywords", "references"}


def test_it_holds_what_the_format_asks_for():
    content = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text(encoding="utf-8"))
    assert set(content) >= REQUIRED
    assert set(content) <= KNOWN, "look up in the format whether it may be there"
    assert content["cff-version"] == "1.2.0"
    assert content["type"] == "software"
    assert content["version"] == clip_har.__version__
    assert content["license"] == "Apache-2.0"
    for entry in (content, *content["references"]):
        assert entry["authors"]
        assert all({"name", "family-names"} & set(author) for author in entry["authors"])
        assert entry["title"]
