"""Fetching a large file over HTTP with pooch: what has its final name is whole and checked."""

import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pooch
import requests
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from clip_har.core.atomic import whole_file
from clip_har.core.errors import ClipHarError

_CHUNK = 1 << 20  # bytes
_TIMEOUT = (20.0, 60.0)  # s, to connect and between two chunks
_HEADERS = {"Accept-Encoding": "identity", "User-Agent": "clip-har-data"}


def fetch(url: str, path: Path, *, size: int | None = None, sha256: str | None = None) -> str:
    """Fetch a file and return its SHA-256.

    Until it is whole and checked it has another name. A connection that ends early starts again
    from the beginning with the next command.

    Args:
        url: ``https`` or ``http``; certificates are always verified.
        path: where it goes; a file that is there already is checked, not fetched.
        size: that it must have, bytes; None takes the server's word.
        sha256: that it must have, in hexadecimal digits; None if none is published.

    Raises:
        ClipHarError: the server refuses, stays away or sends another file than expected.
    """
    if path.is_file():
        return _checked(path, url, size, sha256, advice="remove it and fetch it again")
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as temporary:
        _download(url, temporary, size, path.name)
        return _checked(temporary, url, size, sha256, advice="it was removed: fetch it again")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(url: str, to: Path, size: int | None, name: str) -> None:
    def check(answer: requests.Response, **_: Any) -> None:
        """Refuse an answer before its content is read."""
        target = answer.headers.get("Location", answer.url)
        if urlsplit(url).scheme == "https" and urlsplit(target).scheme == "http":
            raise ClipHarError(f"{url} leads to {target}, which is not encrypted: not fetched")
        length = answer.headers.get("Content-Length", "")
        if answer.is_redirect or not answer.ok or not length.isdecimal():
            return
        if size is not None and int(length) != size:
            raise ClipHarError(
                f"{url}: expected {size:,} bytes, the server has {int(length):,}: another file than"
                " the official one; nothing was fetched"
            )
        free = shutil.disk_usage(to.parent).free
        if int(length) > free:
            raise ClipHarError(
                f"{url} needs {int(length) / 1e9:.1f} GB, and {to.parent} has {free / 1e9:.1f} GB"
                " free: make room, or choose another --root"
            )

    pooch.get_logger().setLevel(logging.WARNING)  # it would print the temporary name
    with _progress(name) as bar:
        downloader = pooch.HTTPDownloader(
            progressbar=bar,
            chunk_size=_CHUNK,
            timeout=_TIMEOUT,
            headers=_HEADERS,
            hooks={"response": check},
        )
        try:
            downloader(url, str(to), None)
        except requests.exceptions.SSLError as error:
            raise ClipHarError(
                f"{url}: its certificate cannot be verified, so that nothing was fetched; fetch it"
                " in a browser and name the file with --archive or --splits"
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


@contextmanager
def _progress(name: str) -> Iterator[SimpleNamespace]:
    """Show a bar on a terminal's standard error, with what pooch asks of a bar."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(name, total=None)
        shown = SimpleNamespace(total=0)
        shown.update = lambda count: bar.update(task, total=shown.total or None, advance=count)
        shown.reset = lambda: bar.reset(task)
        shown.close = lambda: None
        yield shown


def _checked(path: Path, url: str, size: int | None, sha256: str | None, *, advice: str) -> str:
    if size is not None and path.stat().st_size != size:
        raise ClipHarError(
            f"{path} has {path.stat().st_size:,} bytes, expected the {size:,} of {url}: {advice}"
        )
    found = sha256_of(path)
    if sha256 is not None and found != sha256.lower():
        raise ClipHarError(
            f"{path} has the SHA-256 {found}, expected {sha256.lower()}: it was damaged on the way,"
            f" or is another file; {advice}"
        )
    return found
