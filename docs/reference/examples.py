"""Griffe's extension for docstrings: it reads a section ``Example:`` as ``Examples:``."""

from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """Render a section ``Example:`` as code, not as a note."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section.

        Args:
            obj: module, class or function, with its docstring.
        """
        if obj.docstring is not None:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
