"""A small sweep of rendered clips, and its page of clips."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import clip_har
from clip_har.report.clips.links import PAGE

SMALL = ("dataset.count=20", "frames.count=4", "dataset.workers=1", "tracking=none")


@pytest.fixture(scope="session")
def clips_results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results folder of a sweep over three masks."""
    results = tmp_path_factory.mktemp("clips")
    clip_har.sweep(*SMALL, "masking=none,percent,swap", "ratio=0.5", results_dir=results)
    return results


@pytest.fixture(scope="session")
def clips_page(clips_results: Path) -> Path:
    """The page of clips that the sweep wrote."""
    return next(clips_results.glob(f"sweeps/*/report/{PAGE}"))


def page_data(page: Path) -> dict[str, Any]:
    """Return the answers in a page of clips."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text())
    assert found is not None
    return dict(json.loads(found[1]))
