"""The parser of the commands that are not Hydra's: a wrong command is one line."""

from argparse import ArgumentParser
from typing import NoReturn


class Parser(ArgumentParser):
    """A parser whose errors are one line, as all errors of this package, without the usage."""

    def error(self, message: str) -> NoReturn:
        """Write what is wrong, and where the usage is; end with status 2."""
        text = message.removeprefix("argument ")
        self.exit(2, f"clip-har: error: {text}; {self.prog} --help shows the usage\n")
