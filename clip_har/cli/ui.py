"""The command ``clip-har-ui``: the MLflow UI of a results folder, opened at its saved view."""

import argparse
import os
import signal
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Sequence
from pathlib import Path

from clip_har.cli.errors import report_fault
from clip_har.cli.parser import Parser
from clip_har.core.errors import ClipHarError

_PATIENCE = 120  # seconds until MLflow's server must answer


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve the runs of a results folder, or of another store, until Ctrl-C.

    Args:
        arguments: of the command line; None for the process's own.
    """
    parser = Parser(
        prog="clip-har-ui",
        description="Open the runs of a results folder in the MLflow UI.",
        epilog="MLFLOW_TRACKING_URI names another store, as for clip-har. Ctrl-C ends it.",
    )
    parser.add_argument("results", nargs="?", type=Path, default=Path("results"), metavar="DIR")
    parser.add_argument("--experiment", help="MLflow experiment (default: clip_har)")
    parser.add_argument("--uri", help="MLflow store (default: SQLite in the results folder)")
    parser.add_argument("--port", type=int, default=5000, help="on 127.0.0.1 (default: 5000)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # else the server would go on
    try:
        sys.exit(_serve(given))
    except KeyboardInterrupt:
        sys.exit(0)
    except Exception as error:  # noqa: BLE001, reported in one line
        sys.exit(report_fault(error))


def _serve(given: argparse.Namespace) -> int:
    """Open the view, and return the exit status of the server when it ends."""
    from clip_har.tracking.mlflow import MLflowTracking, default_uri

    results = given.results.expanduser().absolute()
    uri = given.uri or os.environ.get("MLFLOW_TRACKING_URI")
    if uri is None and not (results / "mlflow.db").is_file():
        raise ClipHarError(
            f"{results}: no mlflow.db is in this folder: expected a results folder, such as"
            " results; name one: clip-har-ui DIR"
        )
    named = given.experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or ""
    tracking = MLflowTracking(uri=uri, experiment=named)
    if uri is not None and uri.startswith(("http://", "https://")):
        _show(tracking.view(results, uri.rstrip("/")), quiet=given.no_browser)
        return 0
    base = f"http://127.0.0.1:{given.port}"
    address = tracking.view(results, base)
    server = subprocess.Popen(  # noqa: S603, this Python and checked arguments
        [
            *(sys.executable, "-m", "mlflow", "ui", "--port", str(given.port)),
            *("--backend-store-uri", uri or default_uri(results)),
        ],
        stdout=sys.stderr,
        # The jobs of its own evaluation would be seven more processes.
        env={"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", **os.environ},
    )
    try:
        _wait_for(base, server)
        _show(address, quiet=given.no_browser)
        return server.wait()
    finally:
        server.terminate()
        server.wait()


def _wait_for(base: str, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(4 * _PATIENCE):
        if server.poll() is not None:
            raise ClipHarError(
                f"MLflow's server ended at once (status {server.returncode}): is {base} in use?"
                " Name another port with --port"
            )
        try:
            with urllib.request.urlopen(f"{base}/health", timeout=1):  # noqa: S310, loopback
                return
        except OSError:
            time.sleep(0.25)
    raise ClipHarError(f"MLflow's server does not answer at {base} after {_PATIENCE} seconds")


def _show(address: str, *, quiet: bool) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    if not quiet:
        webbrowser.open(address)


if __name__ == "__main__":
    main()
