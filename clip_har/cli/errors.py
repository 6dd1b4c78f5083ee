"""Report an error in one line."""

import difflib
import os
import re
import sys
import traceback

from hydra.errors import ConfigCompositionException, HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from clip_har.core.errors import ClipHarError, disk_fault, disk_reason

_TRACEBACK = "CLIP_HAR_TRACEBACK"


def take_over_errors() -> None:
    """Let Hydra raise its errors instead of printing them over several lines.

    The user's own value of ``HYDRA_FULL_ERROR`` is kept in another variable first.
    """
    os.environ.setdefault(_TRACEBACK, os.environ.get("HYDRA_FULL_ERROR", "0"))
    os.environ["HYDRA_FULL_ERROR"] = "1"


def report_fault(error: BaseException) -> int:
    """Write one line about an error to standard error and return the exit status.

    With ``HYDRA_FULL_ERROR=1`` the traceback comes first.
    """
    if os.environ.get(_TRACEBACK) == "1":
        traceback.print_exception(error)
    if isinstance(error, BrokenPipeError):  # the reader of our output, such as head, is gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if isinstance(error, KeyboardInterrupt):
        sys.stderr.write("clip-har: stopped\n")
        return 130
    sys.stderr.write(f"clip-har: error: {one_line(error)}\n")
    return 1


def one_line(error: BaseException) -> str:
    """Return in one line what was expected, what came, and what to do."""
    if isinstance(error, ClipHarError):
        return str(error)
    if isinstance(error, MissingConfigException):
        return _missing_option(error)
    if isinstance(error, ConfigCompositionException | HydraException | OmegaConfBaseException):
        return _composition(error)
    if (fault := disk_fault(error)) is not None:
        return fault
    if isinstance(error, OSError) and error.errno is not None:
        where = f"{error.filename}: " if error.filename else ""
        reason = disk_reason(error)
        return f"{where}{reason[:1].lower()}{reason[1:]}"
    text = " ".join(str(error).split())
    return (
        f"unexpected {type(error).__name__}: {text} (this is a bug; HYDRA_FULL_ERROR=1 shows where)"
    )


def _missing_option(error: MissingConfigException) -> str:
    from clip_har.config.options import option_files

    wanted = str(error.missing_cfg_file)
    group, _, option = wanted.partition("/")
    # Hydra lists one folder; options such as experiment=paper/masking are in subfolders.
    known = [] if group == "hydra" else list(option_files(group))
    if not known:
        group, _, option = wanted.rpartition("/")
        known = sorted(error.options or [])
    if not group or not known:
        return " ".join(str(error).split())
    near = difflib.get_close_matches(option, known, n=1)
    hint = f"; did you mean {group}={near[0]}?" if near else ""
    return f"{group}={option}: no such option, expected one of {', '.join(known)}{hint}"


def _composition(error: BaseException) -> str:
    text = str(error)
    cause = error.__cause__
    if several := re.search(r"Ambiguous value for argument '([^']+)'", text):
        key = several[1].partition("=")[0]
        return (
            f"{several[1]}: several values make a sweep: add -m (python -m clip_har -m …), or give"
            f" one value, or a list in brackets ({key}=[…])"
        )
    if key := re.search(r"Could not override '([^']+)'", text):
        return _unknown_key(key[1])
    if isinstance(cause, OmegaConfBaseException) and "merging override" in text:
        override = text.split("merging override", 1)[1].strip()
        reason = str(cause).splitlines()[0]
        return f"{override}: {reason[:1].lower()}{reason[1:]}"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if isinstance(cause, OmegaConfBaseException):
        lines.append(str(cause).splitlines()[0])
    return " ".join(lines)


def _unknown_key(key: str) -> str:
    parent = key.rpartition(".")[0]
    known = [other for other in _known_keys() if other != parent and not other.endswith("_target_")]
    near = difflib.get_close_matches(key, known, n=1)
    hint = f"; did you mean {near[0]}?" if near else "; --cfg job lists the keys"
    return f"{key}: there is no such key{hint}"


def _known_keys() -> list[str]:
    """Return the keys of the default configuration, joined by dots."""
    from hydra import compose, initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    from clip_har.config.compose import CONFIG_DIR

    GlobalHydra.instance().clear()
    with initialize_config_dir(str(CONFIG_DIR), version_base="1.3"):
        config = compose("config")

    keys: list[str] = []

    def walk(node: DictConfig, prefix: str) -> None:
        for key in node:
            path = f"{prefix}{key!s}"
            keys.append(path)
            child = node._get_node(key)  # as written: not resolved
            if isinstance(child, DictConfig) and not child._is_none():
                walk(child, f"{path}.")

    walk(config, "")
    return keys
