"""The words of the command before Hydra reads them."""

from collections.abc import Sequence

from hydra._internal.utils import get_args_parser

from clip_har.core.addresses import hide_environment, hide_logins

_SWEEPERS = {"hydra/sweeper=table", "hydra/sweeper=parts"}


def prepared_arguments(words: Sequence[str]) -> list[str]:
    """Return the words of the command as Hydra takes them, without logins in addresses.

    Hydra takes its flags, such as ``-m`` and ``--config-dir``, only before or after all overrides;
    people also write them between overrides. So flags come first here.

    Example:
        >>> prepared_arguments(["ratio=0.3", "-m", "seed=0,1", "--config-dir", "mine", "limit=8"])
        ['-m', '--config-dir', 'mine', 'ratio=0.3', 'seed=0,1', 'limit=8']
        >>> prepared_arguments(["hydra/sweeper=table", "hydra.sweeper.file=cells.csv"])
        ['-m', 'hydra/sweeper=table', 'hydra.sweeper.file=cells.csv']
        >>> prepared_arguments(["hydra/sweeper=parts", "limit=8"])
        ['-m', 'hydra/sweeper=parts', 'limit=8']
    """
    hide_environment()
    # A flag with an optional value (--info) would take the override that follows: it stays.
    values = {
        name: action.nargs != 0
        for action in get_args_parser()._actions
        if action.nargs in (0, None)
        for name in action.option_strings
    }
    flags: list[str] = []
    others: list[str] = []
    left = iter(words)
    for word in left:
        name, sign, _ = word.partition("=")
        if name not in values:
            others.append(hide_logins(word))
            continue
        flags.append(word)
        if values[name] and not sign:
            flags += [value for value in [next(left, None)] if value is not None]
    if _SWEEPERS & {*others} and not {"-m", "--multirun"} & {*flags}:
        flags.append("-m")  # they name several cells
    return [*flags, *others]
