"""Fetching a large file over HTTP: what broke off goes on, what is there is whole."""

import hashlib
import json
import logging
import shutil
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from clip_har.core.errors import ClipHarError

log = logging.getLogger(__name__)

_CHUNK = 1 << 20  # bytes
_TIMEOUT = (20.0, 60.0)  # s, to connect and between two chunks


class _BrokenOffError(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class _Version:
    """Which file a partial download is a part of.

    Attributes:
        url: as it was asked for.
        validator: the server's ETag or date of it; empty where it tells none.
    """

    url: str
    validator: str


def fetch(
    url: str,
    path: Path,
    *,
    size: int | None = None,
    sha256: str | None = None,
    attempts: int = 8,
    pause: float = 2.0,
) -> str:
    """Fetch a file, going on where an earlier attempt broke off, and return its SHA-256.

    Until it is whole and checked it is called ``<name>.part``. Certificates are always verified.

    Args:
        url: ``https`` or ``http``.
        path: where it goes; a file that is there already is checked, not fetched. Two processes
            must not fetch the same file at once.
        size: that it must have, bytes; None takes the server's word.
        sha256: that it must have, in hexadecimal digits; None where none is published.
        attempts: without any progress, before it gives up.
        pause: after the first broken attempt, seconds; doubles up to a minute.

    Raises:
        ClipHarError: the server refuses, stays away or sends another file than expected.
    """
    if path.is_file():
        return _checked(path, url, size, sha256, advice="remove it and fetch it again")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with (
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar,
        requests.Session() as session,
    ):
        task = bar.add_task(path.name, total=size)
        failures = 0
        while True:
            before = _length(part)
            try:
                _get(session, url, part, size, bar, task)
                break
            except requests.exceptions.SSLError as error:
                raise ClipHarError(
                    f"{url}: its certificate cannot be verified, so that nothing was fetched; fetch"
                    " it in a browser and name the file with --archive or --splits"
                ) from error
            except (
                requests.exceptions.InvalidSchema,
                requests.exceptions.InvalidURL,
                requests.exceptions.TooManyRedirects,
            ) as error:  # the same every time
                raise ClipHarError(f"{url} cannot be fetched ({_told(error)})") from error
            except (_BrokenOffError, requests.RequestException) as error:
                failures = 0 if _length(part) > before else failures + 1
                if failures == attempts:
                    raise ClipHarError(
                        f"{url} cannot be fetched ({_told(error)}); {_length(part):,} bytes are"
                        " kept: the same command goes on from there"
                    ) from error
                wait = min(60.0, pause * 2**failures)
                log.warning(
                    "%s: %s; %s bytes are here, trying again in %.0f s",
                    *(path.name, _told(error), f"{_length(part):,}", wait),
                )
                time.sleep(wait)
    try:
        found = _checked(part, url, size, sha256, advice="it was removed: fetch it again")
    except ClipHarError:
        _forget(part)
        raise
    part.replace(path)
    _forget(part)
    return found


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _get(
    session: requests.Session, url: str, part: Path, size: int | None, bar: Progress, task: TaskID
) -> None:
    """Fetch what is missing of a file."""
    have = _length(part)
    if size is not None and have == size:
        return
    known = _read_version(part)
    headers = {"Accept-Encoding": "identity", "User-Agent": "clip-har-data"}
    ranged = have > 0 and known is not None and known.url == url and known.validator != ""
    if ranged and known is not None:
        headers |= {"Range": f"bytes={have}-", "If-Range": known.validator}
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
        if urlsplit(answer.url).scheme != "https" and urlsplit(url).scheme == "https":
            raise ClipHarError(f"{url} leads to {answer.url}, which is not encrypted: not fetched")
        if answer.status_code == 416:  # all of it is there, or it is another file by now
            _forget(part)
            raise _BrokenOffError("the server has another file than the one that was begun")
        if 400 <= answer.status_code < 500 and answer.status_code not in {408, 425, 429}:
            raise ClipHarError(
                f"{url}: the server answered {answer.status_code} {answer.reason}; the file may"
                " have moved: fetch it by hand and name it with --archive or --splits"
            )
        answer.raise_for_status()
        resumed = answer.status_code == 206
        start = have if resumed else 0
        # A cache on the way may answer with another part than the one that was asked for.
        if resumed and not (ranged and _first(answer) == have):
            _forget(part)
            raise _BrokenOffError("the server went on at another place than asked: begun anew")
        total = _total(answer, start)
        if size is not None and total is not None and total != size:
            raise ClipHarError(
                f"{url}: expected {size:,} bytes, the server has {total:,}: another file than the"
                " official one; nothing was fetched"
            )
        free = shutil.disk_usage(part.parent).free
        if total is not None and total - start > free:
            raise ClipHarError(
                f"{url} needs {(total - start) / 1e9:.1f} GB more, and {part.parent} has"
                f" {free / 1e9:.1f} GB free: make room, or choose another --root"
            )
        _write_version(part, _Version(url, _validator(answer)))
        bar.update(task, total=total, completed=start)
        with part.open("ab" if resumed else "wb") as file:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(task, advance=len(chunk))
        if total is not None and _length(part) < total:
            raise _BrokenOffError(
                f"the connection ended after {_length(part):,} of {total:,} bytes"
            )


def _total(answer: requests.Response, start: int) -> int | None:
    """Return how many bytes the whole file has, as the server says."""
    _, _, total = answer.headers.get("Content-Range", "").partition("/")
    if total.isdecimal():
        return int(total)
    length = answer.headers.get("Content-Length", "")
    return start + int(length) if length.isdecimal() else None


def _first(answer: requests.Response) -> int | None:
    """Return the first byte of a part, as the server says: ``Content-Range: bytes 10-99/100``."""
    first = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _validator(answer: requests.Response) -> str:
    """Return the strong validator of RFC 9110, section 13.1.5, that ``If-Range`` may hold."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


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


def _version_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_version(part: Path) -> _Version | None:
    with suppress(OSError, ValueError, TypeError):
        return _Version(**json.loads(_version_file(part).read_text()))
    return None


def _write_version(part: Path, version: _Version) -> None:
    _version_file(part).write_text(json.dumps(asdict(version)))


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _version_file(part).unlink(missing_ok=True)


def _length(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _told(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
