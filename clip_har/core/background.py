"""Run functions in other processes while this one goes on."""

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module
from queue import SimpleQueue
from typing import Any

from clip_har.core.errors import ClipHarError

_CHILD = "from clip_har.core.background import serve; serve()"


_MOST = 3  # processes: a sweep has a dozen figures to draw


def spare_cores() -> int:
    """Return how many processes can work beside this one, at least 1."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(_MOST, (usable or 1) - 1))


class _Asked:
    """Functions whose results are waited for."""

    def __init__(self) -> None:
        self._asked: list[Future[Any]] = []

    def wait(self) -> None:
        """Wait until all functions have returned, also those after one that failed.

        Raises:
            Exception: what the first function raised that failed.
        """
        asked, self._asked = self._asked, []
        errors = [error for one in asked if (error := one.exception()) is not None]
        if errors:
            raise errors[0]

    def _call_here(
        self, function: Callable[..., Any], *arguments: Any, **named: Any
    ) -> "Future[Any]":
        called: Future[Any] = Future()
        try:
            called.set_result(function(*arguments, **named))
        except Exception as raised:  # noqa: BLE001, `wait` and the future raise it
            called.set_exception(raised)
        self._asked.append(called)
        return called


class Background(_Asked):
    """Processes that call functions in the order in which they come.

    They are fresh interpreters and no forks: threads of torch and an open database do not survive a
    fork. They do not import the user's script. Where no process can be started, the functions are
    called in this one. Use it as a context: at its end the processes end, and what is still waiting
    is not done.

    Args:
        processes: how many; with more than one, functions run beside each other.
    """

    def __init__(self, processes: int = 1) -> None:
        super().__init__()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._free: SimpleQueue[subprocess.Popen[bytes]] = SimpleQueue()
        for _ in range(processes):
            try:
                process = subprocess.Popen(  # noqa: S603, no words of a user
                    # -P: files in the working folder must not take the place of modules
                    [sys.executable, "-P", "-c", _CHILD],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    env={
                        # the processes share the cores
                        "OPENBLAS_NUM_THREADS": "1",
                        "MKL_NUM_THREADS": "1",
                        **os.environ,
                        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
                    },
                )
            except OSError:  # a limit of processes or memory
                break
            self._processes.append(process)
            self._free.put(process)
        # The threads wait for the pipes, so that the caller need not.
        threads = max(1, len(self._processes))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="background")

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes; what is still waiting is not done. A second call does nothing."""
        ended, self._processes = self._processes, []
        for process in ended:
            process.kill()
        self._threads.shutdown(cancel_futures=True)
        for process in ended:
            process.communicate()

    def import_early(self, *modules: str) -> None:
        """Import modules in every process, so that later functions need not wait for them."""
        for _ in self._processes:
            self._threads.submit(self._ask, pickle.dumps((_import_all, modules, {})))

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> "Future[Any]":
        """Call a function in one of the processes; return its future result.

        Args:
            function: at the top level of a module.
            arguments: they are copied at once, so they may change afterwards.
            named: further arguments, by name.
        """
        if not self._processes:
            return self._call_here(function, *arguments, **named)
        question = pickle.dumps((function, arguments, named))
        self._asked.append(self._threads.submit(self._ask, question))
        return self._asked[-1]

    def _ask(self, question: bytes) -> Any:
        process = self._free.get()
        to, answers = process.stdin, process.stdout
        assert to is not None and answers is not None  # noqa: S101, PT018, both are pipes
        try:
            to.write(question)
            to.flush()
            error, result = pickle.load(answers)  # noqa: S301, of this process's own child
        # An answer that is cut off within a part of it is an UnpicklingError.
        except (EOFError, BrokenPipeError, pickle.UnpicklingError) as ended:
            raise ClipHarError(
                "a process of this command was ended from outside (is the memory full?): run the"
                " command again"
            ) from ended
        finally:
            self._free.put(process)
        if error is not None:
            raise error
        return result


class AtOnce(_Asked):
    """Calls functions at once, in this process: a `Background` where none is needed.

    What a function raises is raised by `wait`, as there.
    """

    def run(self, function: Callable[..., Any], *arguments: Any, **named: Any) -> "Future[Any]":
        """Call a function; return its future, which has a result or an error already."""
        return self._call_here(function, *arguments, **named)


def serve() -> None:
    """Call the functions that the parent process names, until it closes the pipe."""
    for number in (signal.SIGINT, signal.SIGTERM):  # sent to a whole group, by a cluster, too
        signal.signal(number, signal.SIG_IGN)  # the parent ends this process
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a function prints is no answer
    while True:
        try:
            function, arguments, named = pickle.load(sys.stdin.buffer)  # noqa: S301, the parent's
        except EOFError:
            return
        try:  # also what cannot be sent is an error of the function
            answer = pickle.dumps((None, function(*arguments, **named)))
        except Exception as raised:  # noqa: BLE001, the parent raises it
            answer = _packed(raised)
        answers.write(answer)
        answers.flush()


def _import_all(*modules: str) -> None:
    for name in modules:
        import_module(name)


def _packed(error: Exception) -> bytes:
    """Return an error as bytes that the parent can read; some errors can be written only."""
    try:
        packed = pickle.dumps((error, None))
        pickle.loads(packed)  # noqa: S301, written in the line above
    except Exception:  # noqa: BLE001, whatever its class raises
        return pickle.dumps((ClipHarError(f"{type(error).__name__}: {error}"), None))
    return packed
