"""Griffe's extension for docstrings: ``Example:`` is the section that it calls ``Examples:``."""

from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Have a single example rendered as code that was run, not as a note."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section.

        Args:
            obj: module, class or function, with its docstring.
        """
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
