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
    fork. It does not import the user's script. Use it as a context: at its end the process ends,
    and what is still waiting is not done.
    """

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603, this Python and no words of a user
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        # The thread waits for the pipes, so that the caller need not.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="background")
        self._asked: list[Future[None]] = []

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._thread.shutdown(cancel_futures=True)
        self._process.communicate()

    def run(self, function: Callable[..., object], *arguments: Any, **named: Any) -> None:
        """Call a function in the other process, after all others; its result is dropped.

        Args:
            function: at the top level of a module.
            arguments: they are copied at once, so they may change afterwards.
            named: further arguments, by name.
        """
        question = pickle.dumps((function, arguments, named))
        self._asked.append(self._thread.submit(self._ask, question))

    def wait(self) -> None:
        """Wait until all functions have returned.

        Raises:
            Exception: what the first function raised that failed.
        """
        asked, self._asked = self._asked, []
        for one in asked:
            one.result()

    def _ask(self, question: bytes) -> None:
        to, answers = self._process.stdin, self._process.stdout
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
        answers.write(pickle.dumps(error))
        answers.flush()
