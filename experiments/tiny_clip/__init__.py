"""The tiny CLIP that ships with the package: a tiny model on rendered data."""
