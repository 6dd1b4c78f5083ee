"""The allowed values of a configuration key in words, from the JSON schema of its type."""

from typing import Any

Schema = dict[str, Any]

_TYPES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true, false",
    "null": "null",
    "object": "mapping",
}


def allowed(part: Schema, whole: Schema) -> str:
    """Return type, range or values of a key as Markdown.

    Args:
        part: the key's own schema.
        whole: the complete schema, with the definitions that ``part`` may refer to.

    Example:
        >>> allowed({"type": "number", "minimum": 0, "exclusiveMaximum": 1}, {})
        'number, ≥ 0, < 1'
        >>> allowed({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, {})
        '`a`, `b` or null'
        >>> allowed({"type": "array", "items": {"type": "string"}}, {})
        'list: text'
    """
    if "$ref" in part:
        return allowed(whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    if "anyOf" in part:
        return " or ".join(allowed(choice, whole) for choice in part["anyOf"])
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if "const" in part:
        return f"`{part['const']}`"
    if part.get("type") == "array":
        items = part.get("items") or {}
        inner = allowed(items, whole) if isinstance(items, dict) and items else "values"
        if "prefixItems" in part:
            inner = ", ".join(allowed(item, whole) for item in part["prefixItems"])
        return f"list: {inner}"
    if part.get("format") == "path":
        return "path"
    words = [_TYPES.get(str(part.get("type")), "any")]
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    words += [f"{sign} {part[bound]:g}" for bound, sign in signs.items() if bound in part]
    return ", ".join(words)
