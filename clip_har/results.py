"""What a finished cell leaves on disk: one folder, whole or not there."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCORES, METRICS = "scores.parquet", "metrics.json"


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that takes ``folder``'s place once everything in it is written.

    When the body raises, nothing is left behind and an older ``folder`` stays as it was.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield temporary
        if folder.exists():
            shutil.rmtree(folder)
        temporary.chmod(0o755)
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people: indented, keys in order of insertion."""
    path.write_text(json.dumps(content, indent=2, default=str) + "\n", encoding="utf-8")
