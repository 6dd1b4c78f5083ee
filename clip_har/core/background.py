"""Run functions in one other process while this one goes on."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from clip_har.core.errors import ClipHarError

_CHILD = "from clip_har.core.background import serve; serve()"


class Background:
    """A process that calls functions one after the other, in the order in which they come.

    It is a fresh interpreter and no fork: threads of torch and an open database do not survive a
    fork. It does not import the user's script. Where no process can be started, the functions are
    called in this one. Use it as a context: at its end the process ends, and what is still waiting
    is not done.
    """

    def __init__(self) -> None:
        try:
            self._process: subprocess.Popen[bytes] | None = subprocess.Popen(  # noqa: S603, no words of a user
                # -P: files in the working folder must not take the place of modules
                [sys.executable, "-P", "-c", _CHILD],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except OSError:  # a limit of processes or memory
            self._process = None
        # The thread waits for the pipes, so that the caller need not.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._asked: list[Future[None]] = []

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        if self._process is not None:
            self._process.communicate()

    def run(self, function: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Call a function in the other process, after all others; its result is dropped.

        Args:
            function: at the top level of a module.
            arguments: they are copied at once, so they may change afterwards.
            named: further arguments, by name.
        """
        if self._process is None:
            function(*arguments, **named)
            return
        question = pickle.dumps((function, arguments, named))
        self._asked.append(self._thread.submit(self._ask, self._process, question))

    def wait(self) -> None:
        """Wait until all functions have returned, also those after one that failed.

        Raises:
            Exception: what the first function raised that failed.
        """
        asked, self._asked = self._asked, []
        errors = [error for one in asked if (error := one.exception()) is not None]
        if errors:
            raise errors[0]

    @staticmethod
    def _ask(process: "subprocess.Popen[bytes]", question: bytes) -> None:
        to, answers = process.stdin, process.stdout
        assert to is not None and answers is not None  # noqa: S101, PT018, both are pipes
        try:
            to.write(question)
            to.flush()
            error = pickle.load(answers)  # noqa: S301, of this process's own child
        except (EOFError, BrokenPipeError) as ended:
            raise ClipHarError(
                "a process of this command was ended from outside (is the memory full?): run the"
                " command again"
            ) from ended
        if error is not None:
            raise error


class AtOnce:
    """Calls functions at once, in this process: a `Background` where none is needed."""

    def run(self, function: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Call a function."""
        function(*arguments, **named)

    def wait(self) -> None:
        """Return: nothing is waiting."""


def serve() -> None:
    """Call the functions that the parent process names, until it closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a function prints is no answer
    while True:
        try:
            function, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301, the parent's
        except EOFError:
            return
        error: Exception | None = None
        try:
            function(*arguments, **named)
        except Exception as raised:  # noqa: BLE001, the parent raises it
            error = raised
        answers.write(_packed(error))
        answers.flush()


def _packed(error: Exception | None) -> bytes:
    """Return an error as bytes that the parent can read; some errors can be written only."""
    try:
        packed = pickle.dumps(error)
        pickle.loads(packed)  # noqa: S301, written in the line above
    except Exception:  # noqa: BLE001, whatever its class raises
        return pickle.dumps(ClipHarError(f"{type(error).__name__}: {error}"))
    return packed
