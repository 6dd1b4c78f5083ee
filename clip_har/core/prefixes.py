"""Beginnings of the names that results have in a tracking store."""

CURVES = "noise/learning/"
"""How the names of numbers that are logged over the steps of a training begin."""

PICTURES = "pictures/"
"""How the keys of pictures begin that the store's image grid compares run by run."""
