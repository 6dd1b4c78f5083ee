"""A server on loopback that stands in for the official site of UCF-101 and for the model hub."""

import hashlib
import json
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.cli.data.rar import write_rar

# Groups of the real sample with two clips each: the first is a test clip, the second a train clip.
_CLIPS = {"Basketball": ("g01_c02", "g07_c04"), "Biking": ("g01_c01", "g05_c02"),
          "SoccerJuggling": ("g23_c01", "g24_c01")}  # fmt: skip


@dataclass
class Sources:
    """What is served, and what was asked for.

    Attributes:
        files: content by path.
        asked: the paths that were asked for, in their order.
        url: of the server.
    """

    files: dict[str, bytes]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def of(self, path: str) -> bytes | None:
        """Return the content of a path; None if there is none."""
        self.asked.append(path)
        return self.files.get(path)


def ucf101_of_sample(sample: Path, folder: Path) -> dict[str, bytes]:
    """Return archives laid out as the official ones: three classes of the real sample."""
    lists = {"classInd.txt": "".join(f"{i} {name}\r\n" for i, name in enumerate(_CLIPS, 1))}
    clips, test, train = {}, "", ""
    for number, (name, (tested, learned)) in enumerate(_CLIPS.items(), 1):
        for stem in (tested, learned):
            (path,) = (sample / "ucf101-sample" / "UCF-101" / name).glob(f"v_{name}_{stem}.*")
            clips[f"UCF-101/{name}/{path.name}"] = path.read_bytes()
        test += f"{name}/v_{name}_{tested}.avi\r\n"
        train += f"{name}/v_{name}_{learned}.avi {number}\r\n"
    lists |= {"testlist01.txt": test, "trainlist01.txt": train}
    archive, splits = write_rar(folder / "UCF101.rar", clips), folder / "splits.zip"
    with zipfile.ZipFile(splits, "w") as packed:
        for name, text in lists.items():
            packed.writestr(f"ucfTrainTestlist/{name}", text)
    return {"/UCF101.rar": archive.read_bytes(), "/splits.zip": splits.read_bytes()}


def hub_of(checkpoint: Path, name: str, revision: str) -> dict[str, bytes]:
    """Return what a hub answers about one model, whose files are those of a folder."""
    files = {path.name: path.read_bytes() for path in checkpoint.iterdir() if path.is_file()}
    tree = [
        {"type": "file", "path": one, "size": len(content), "oid": _digest(content)}
        for one, content in files.items()
    ]
    about = {"id": name, "sha": revision, "siblings": [{"rfilename": one} for one in files]}
    return {
        f"/api/models/{name}/revision/{revision}": json.dumps(about).encode(),
        f"/api/models/{name}/tree/{revision}": json.dumps(tree).encode(),
        **{f"/{name}/resolve/{revision}/{one}": content for one, content in files.items()},
    }


@contextmanager
def serve(files: Mapping[str, bytes], *, revision: str = "") -> Iterator[Sources]:
    """Serve files until the body ends.

    Args:
        files: content by path.
        revision: the commit that the hub names.
    """
    sources = Sources(dict(files))

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(whole=False)

        def do_GET(self) -> None:
            self.answer(whole=True)

        def answer(self, *, whole: bool) -> None:
            content = sources.of(self.path.partition("?")[0])
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("ETag", f'"{_digest(content)}"')
            self.send_header("X-Repo-Commit", revision)
            self.end_headers()
            if whole:
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        sources.url = f"http://127.0.0.1:{http.server_address[1]}"
        try:
            yield sources
        finally:
            http.shutdown()
            thread.join()


def _digest(content: bytes) -> str:
    return hashlib.sha1(content).hexdigest()
