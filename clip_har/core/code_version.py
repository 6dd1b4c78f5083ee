"""Which code made a result."""

import hashlib
import os
import subprocess
from functools import cache
from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package."""


@cache
def code_digest() -> str:
    """Return the package's version and a digest of its source files."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


def modules_digest(*places: Path) -> str:
    """Return a digest of some modules, 16 hexadecimal digits.

    Args:
        places: files, or folders whose modules all count.
    """
    digest = hashlib.blake2b(digest_size=8)
    for place in places:
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(path.read_bytes())
    return digest.hexdigest()


@cache
def git_commit() -> str | None:
    """Return the commit that the code is at: ``$GIT_COMMIT``, else the checkout's, else None."""
    if commit := os.environ.get("GIT_COMMIT"):
        return commit
    checkout = PACKAGE.parent
    if not (checkout / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
