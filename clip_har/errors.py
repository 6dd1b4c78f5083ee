"""The one exception that users are meant to see."""


class ClipHarError(Exception):
    """A fault that the user can mend.

    The message is one line: what was expected, what came, what to do. The command line prints it
    without a traceback and ends with a non-zero status.
    """
