"""Fetch a large file over HTTP with pooch; a file under its final name is whole and checked."""

import hashlib
import logging
import shutil
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pooch
import requests

from clip_har.cli.data.sources import Download
from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError

_CHUNK = 1 << 20  # bytes
_TIMEOUT = (20.0, 60.0)  # s, to connect and between two chunks
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "clip-har-data"}


def fetch(url: str, path: Path, *, size: int | None = None, sha256: str | None = None) -> str:
    """Fetch a file and return its SHA-256.

    The file has a temporary name until it is whole and checked. If the connection breaks, the next
    command starts from the beginning.

    Args:
        url: ``https`` or ``http``; certificates are always verified.
        path: where to put it; a file that exists is checked, not fetched.
        size: expected size, bytes; None accepts the size that the server names.
        sha256: expected checksum, in hexadecimal digits; None if none is published.

    Raises:
        ClipHarError: when the server refuses, does not answer, or sends another file.
    """
    if path.is_file():
        return _checked(path, path, url, size, sha256, advice="remove it and fetch it again")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        _download(url, temporary, size)
        advice = "it was removed: fetch it again"
        return _checked(temporary, path, url, size, sha256, advice=advice)


def fetch_official(official: Download, root: Path, *, sha256: str | None = None) -> Path:
    """Fetch an official file into the folder ``archives`` of a data set, and print its checksum.

    Args:
        official: the file.
        root: the folder for the data set.
        sha256: expected checksum if none is published.

    Raises:
        ClipHarError: as `fetch`.
    """
    path = root / "archives" / official.url.rpartition("/")[2]
    found = fetch(official.url, path, size=official.size, sha256=sha256 or official.sha256)
    checked = "as published" if official.sha256 else "none is published: keep this one"
    sys.stdout.write(f"{path}: SHA-256 {found} ({checked})\n")
    sys.stdout.flush()
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, to: Path, size: int | None) -> None:
    def check(answer: requests.Response, **_: Any) -> None:
        """Refuse a wrong answer before its content is read."""
        target = answer.headers.get("Location", answer.url)
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
            raise ClipHarError(
                f"{url} leads to {target}, which is not encrypted: nothing was fetched"
            )
        length = answer.headers.get("Content-Length", "")
        if answer.is_redirect or not answer.ok or not length.isdecimal():
            return
        if size is not None and int(length) != size:
            raise ClipHarError(
                f"{url}: expected {size:,} bytes, the server has {int(length):,}: it is not the"
                " official file; nothing was fetched"
            )
        free = shutil.disk_usage(to.parent).free
        if int(length) > free:
            raise ClipHarError(
                f"{url} needs {int(length) / 1e9:.1f} GB, and {to.parent} has {free / 1e9:.1f} GB"
                " free: make room, or choose another --root"
            )

    pooch.get_logger().setLevel(logging.WARNING)  # it would print the temporary name
    downloader = pooch.HTTPDownloader(
        progressbar=sys.stderr.isatty(),
        chunk_size=_CHUNK,
        timeout=_TIMEOUT,
        headers=_HEADERS,
        hooks={"response": check},
    )
    try:
        downloader(url, str(to), None)
    except requests.exceptions.SSLError as error:
        raise ClipHarError(
            f"{url}: its certificate cannot be verified, so nothing was fetched; fetch it in a"
            " browser and name the file with --archive or --splits"
        ) from error
    except requests.HTTPError as error:
        answer = error.response
        raise ClipHarError(
            f"{url}: the server answered {answer.status_code} {answer.reason}; if the file has"
            " moved, fetch it by hand and name it with --archive or --splits"
        ) from error
    except requests.RequestException as error:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        raise ClipHarError(f"{url} cannot be fetched ({reason}): try again") from error


def _checked(
    file: Path, path: Path, url: str, size: int | None, sha256: str | None, *, advice: str
) -> str:
    """Return the SHA-256 of a file, which has or will have the name ``path``."""
    if size is not None and (found_size := file.stat().st_size) != size:
        raise ClipHarError(
            f"{path} has {found_size:,} bytes, expected the {size:,} of {url}: {advice}"
        )
    found = sha256_of(file)
    if sha256 is not None and found != sha256.lower():
        raise ClipHarError(
            f"{path} has the SHA-256 {found}, expected {sha256.lower()}: it was damaged during the"
            f" download, or it is another file; {advice}"
        )
    return found
