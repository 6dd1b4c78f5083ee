"""The command ``clip-har-explore``: a page that shows one clip under any mask and noise.

It takes the settings of a cell, as ``clip-har`` does: they say which clips and which model, and
what is chosen at first.

    clip-har-explore                                                  # rendered clips, tiny model
    clip-har-explore dataset=ucf101 dataset.root=/data/ucf101 model=clip_vit_b32
    clip-har-explore masking=shape ratio=0.5 --port 8000
"""

import argparse
import logging
import os
import socket
import sys
import webbrowser
from collections.abc import Sequence
from importlib.util import find_spec
from tempfile import TemporaryDirectory

from clip_har.cli.errors import report_fault, take_over_errors
from clip_har.cli.parser import Parser
from clip_har.core.addresses import hide_environment
from clip_har.core.errors import ClipHarError, disk_reason


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the page until Ctrl-C; after an error, end with one clear line.

    Args:
        arguments: of the command line; None for the process's own.
    """
    parser = Parser(
        prog="clip-har-explore",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Ctrl-C ends it.",
        allow_abbrev=False,
    )
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="of the cell")
    parser.add_argument(
        "--host", default="127.0.0.1", help="address that it listens on (default: 127.0.0.1)"
    )
    parser.add_argument("--port", type=int, default=7860, help="0 takes a free one (default: 7860)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    given = parser.parse_intermixed_args(arguments)
    logging.basicConfig(level=logging.WARNING)
    take_over_errors()
    try:
        _serve(given)
    except KeyboardInterrupt:
        sys.exit(0)
    except Exception as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


def _serve(given: argparse.Namespace) -> None:
    if find_spec("gradio") is None:
        raise ClipHarError(
            "clip-har-explore needs Gradio, which is not installed: pip install 'clip-har[explore]'"
        )
    with _listening(given.host, given.port) as listening, TemporaryDirectory() as uploads:
        from clip_har.explore.answer import Explorer

        hide_environment()
        explorer = Explorer(given.settings)  # a wrong setting is said before Gradio is imported
        # Gradio reads them when it is imported.
        os.environ.update(GRADIO_ANALYTICS_ENABLED="False", GRADIO_TEMP_DIR=uploads)
        from clip_har.explore.guard import is_loopback
        from clip_har.explore.page import build_page
        from clip_har.explore.server import application, serve

        app = application(build_page(explorer), given.host)
        if not is_loopback(given.host):
            sys.stderr.write(
                f"clip-har: {given.host} is not a loopback address: all who reach it can use this"
                " page, without a password\n"
            )
        name = f"[{given.host}]" if ":" in given.host else given.host
        address = f"http://{name}:{listening.getsockname()[1]}"
        sys.stdout.write(f"{address}\n")
        sys.stdout.flush()
        if not given.no_browser:
            webbrowser.open(address)
        serve(app, listening)


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address."""
    if not host.strip():
        raise ClipHarError("--host: expected an address or a name, such as 127.0.0.1; got nothing")
    if not 0 <= port < 1 << 16:
        raise ClipHarError(f"--port={port}: expected 0 to 65535; 0 takes a free one")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = disk_reason(error)
        raise ClipHarError(
            f"{host}, port {port}: cannot listen there ({reason[:1].lower()}{reason[1:]}): name"
            " another with --port, or a free one with --port 0"
        ) from error


if __name__ == "__main__":
    main()
