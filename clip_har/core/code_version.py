"""Which code made a result, and which code the result depends on."""

import ast
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

__version__ = "0.1.0"

PACKAGE = Path(__file__).resolve().parents[1]
"""The folder of the package."""

_NAME = PACKAGE.name
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements hold statements
# A string, which is kept, or a comment or the end of lines, which become one line end.
_TEXT = re.compile(
    r'("""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')'
    r"|(?:[ \t]*(?:#[^\n]*)?\n)+|[ \t]*#[^\n]*",
    re.DOTALL,
)


@cache
def code_digest() -> str:
    """Return the package's version and a digest of all its source files, as a record of the run."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode())
        digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@cache
def code_of(*modules: str) -> str:
    """Return a digest of modules and of all modules of this package that they import.

    It changes when a result of that code may change. Comments, docstrings and blank lines do not
    count, so that the digest is the same on every version of Python.

    Args:
        modules: full names, such as ``"clip_har.data.frames.build"``. For a module outside of
            this package, the modules of this package that it imports count, too.

    Returns:
        32 hexadecimal digits; the order of the names does not matter.

    Raises:
        ModuleNotFoundError: for a name that is no module.
    """
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(closure_of(*modules)):
        digest.update(f"{name}\n{_read(name)[0]}\0".encode())
    return digest.hexdigest()


def closure_of(*modules: str) -> frozenset[str]:
    """Return the modules and all modules of this package that they import, directly or not.

    Imports within functions count; imports for type checkers do not. The packages that hold a
    module count, too, except the root: it is the Python interface, which no other module uses.

    Args:
        modules: their full names.

    Raises:
        ModuleNotFoundError: for a name that is no module.
    """
    found: set[str] = set()
    waiting = list(modules)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _read(name)[1]
    return frozenset(found)


@cache
def git_commit() -> str | None:
    """Return the commit that the code is at: ``$GIT_COMMIT``, else the checkout's, else None."""
    if commit := os.environ.get("GIT_COMMIT"):
        return commit
    checkout = PACKAGE.parent
    if not (checkout / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


@cache
def _read(name: str) -> tuple[str, frozenset[str]]:
    """Return a module's text without remarks, and the modules of this package that it imports."""
    path = _source(name)
    if path is None:
        if name in sys.modules:  # typed in, or compiled
            return "", frozenset()
        raise ModuleNotFoundError(f"there is no module {name!r} with a source file")
    text = path.read_text(encoding="utf-8")
    statements = list(_statements(ast.parse(text).body))
    imported: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.Import):
            imported |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            package = _imported_from(statement, name, is_package=path.name == "__init__.py")
            imported |= {package, *(f"{package}.{alias.name}" for alias in statement.names)}
    if name.startswith(f"{_NAME}."):
        imported |= {name.rpartition(".")[0]}
    ours = {one for one in imported if one.startswith(f"{_NAME}.") and _source(one) is not None}
    return _without_remarks(text, statements), frozenset(ours)


@cache
def _source(name: str) -> Path | None:
    """Return the source file of a module; None if there is none."""
    package, _, rest = name.partition(".")
    if package == _NAME:
        place = PACKAGE.joinpath(*rest.split(".")) if rest else PACKAGE
        files = (place.with_suffix(".py"), place / "__init__.py")
        return next((file for file in files if file.is_file()), None)
    if name in sys.modules:  # also ``__main__``
        file = getattr(sys.modules[name], "__file__", None)
    else:
        spec = find_spec(name)
        file = spec.origin if spec is not None else None
    return Path(file) if file and file.endswith(".py") else None


def _imported_from(statement: ast.ImportFrom, name: str, *, is_package: bool) -> str:
    """Return the full name of the module after ``from``."""
    if not statement.level:
        return statement.module or ""
    parts = name.split(".")
    base = parts[: len(parts) - statement.level + is_package]
    return ".".join([*base, *([statement.module] if statement.module else [])])


def _statements(block: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all statements of a block and within them, except those for type checkers."""
    for statement in block:
        yield statement
        for inner in _BLOCKS:
            is_for_types = inner == "body" and _asks_for_types(statement)
            if not is_for_types and isinstance(held := getattr(statement, inner, None), list):
                yield from _statements(held)


def _asks_for_types(statement: ast.AST) -> bool:
    """Return whether a statement is ``if TYPE_CHECKING:``."""
    if not isinstance(statement, ast.If):
        return False
    test = statement.test
    return isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"


def _without_remarks(text: str, statements: Sequence[ast.AST]) -> str:
    """Return a source text without docstrings, comments and blank lines."""
    lines = text.encode().splitlines(keepends=True)
    for statement in statements:
        if (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Constant)
            and isinstance(statement.value.value, str)
            and statement.end_lineno is not None
        ):
            first, last = statement.lineno - 1, statement.end_lineno - 1
            before, after = lines[first][: statement.col_offset], lines[last]
            lines[first : last + 1] = [b"\n"] * (last - first) + [
                before + after[statement.end_col_offset :]
            ]
    return _TEXT.sub(lambda found: found[1] or "\n", b"".join(lines).decode()).strip()
