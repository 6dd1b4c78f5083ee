"""Names of files and classes may be anything: a whole sweep, and all that it writes."""

import os
import re
import sys
from pathlib import Path

import pytest

import clip_har
from clip_har.cli.report import main
from clip_har.synthetic import ACTIONS
from tests.data.made import write_video

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name"),
]

CLASSES = {
    b"l\xe4uft": r"l\xe4uft",  # Latin-1
    "cafe\u0301 🏃🏽".encode(): "café 🏃🏽",
    "ריצה".encode(): "ריצה",
    "走る".encode(): "走る",
    b"a\x1b[31mb": r"a\x1b[31mb",
    b"$x^$ <b>&amp;\\frac": r"$x^$ <b>&amp;\frac",
    b"x%s,\"q'{}": "x%s,\"q'{}",
    b"c" * 255: "c" * 255,
}
FILES = {
    b"\xff.mp4": r"\xff.mp4",
    b"n\n1.mp4": r"n\x0a1.mp4",
    b"z" * 251 + b".mp4": "z" * 251 + ".mp4",
}


def test_any_name_goes_through(tmp_path, monkeypatch):
    root = tmp_path / "clips"
    for name in CLASSES:
        for file in FILES:
            write_video(Path(os.fsdecode(b"/".join([os.fsencode(root), name, file]))), 3)
    broken = os.fsdecode(b"/".join([os.fsencode(root), b"l\xe4uft", b"\xfe.mp4"]))
    Path(broken).write_bytes(b"no video")
    monkeypatch.chdir(tmp_path)
    rows = clip_har.sweep(
        "masking=percent,shape",
        *(f"dataset.root={root}", "dataset=folder", "frames.count=1", "frames.max_failed=0.1"),
        # Words that the tiny model tells apart: it does not know these classes.
        f"prompts.class_names=[{','.join(action.name for action in ACTIONS[: len(CLASSES)])}]",
        results_dir="results",
        cache_dir="cache",
    )
    assert rows["error"].isna().all()
    (result, _) = rows["result"]
    expected = {f"{name}/{file}" for name in CLASSES.values() for file in FILES.values()}
    assert set(result.table.clip_ids) == expected
    assert set(result.table.class_names) == set(CLASSES.values())
    (sweep,) = (tmp_path / "results" / "sweeps").iterdir()
    main([str(sweep)])
    page = (sweep / "report" / "report.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;" in page
    assert "x^$ <b>" not in page
    written = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    texts = [path for path in written if path.suffix in {".csv", ".json", ".md", ".yaml", ".html"}]
    assert len(texts) > 20
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", text), path
    failed = (result.folder / "failed_clips.csv").read_text(encoding="utf-8")
    assert r"l\xe4uft/\xfe.mp4" in failed
