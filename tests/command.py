"""Run the command as a user does: in a subprocess, in another folder."""

import os
import subprocess
import sys
from pathlib import Path


def run_command(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m clip_har`` in a folder, with its own cache there."""
    return subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:clip_har", "-m", "clip_har", *arguments],
        cwd=folder,
        env=os.environ
        | {"CLIP_HAR_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
        | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
