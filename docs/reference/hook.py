"""MkDocs' hook: adds the generated pages, and the repository's own READMEs, to the site."""

import posixpath
import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from docs.reference.configuration import configuration_page
from docs.reference.measures import measures_page

OUTSIDE = ("experiments", "benchmarks", "clip_har/synthetic/checkpoint")
"""Folders whose README, pictures and tables are part of the site."""
_SHOWN = {".md", ".png", ".jpg", ".svg", ".csv", ".json", ".yaml", ".txt", ".ipynb"}
_FILES = ("CHANGELOG.md", "CONTRIBUTING.md", "CITATION.cff", "LICENSE")
_LINK = re.compile(r"(?<=\]\()(?!\w+:|#|/)([^)#\s]+)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replace patterns in the navigation, such as ``*.md``, by pages that are not listed.

    A pattern matches files in ``docs/`` and those that `on_files` adds. So a new page is in the
    site without a line in ``mkdocs.yml``.

    Args:
        config: the configuration of the site.
    """
    root = Path(config.config_file_path).parent
    docs = Path(config.docs_dir)
    pages = [path.relative_to(docs).as_posix() for path in sorted(docs.rglob("*.md"))]
    pages += [path.relative_to(root).as_posix() for path in _outside(root) if path.suffix == ".md"]
    named = set(_names(config.nav))
    config.nav = _filled(config.nav, [page for page in pages if page not in named])
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files that are not in ``docs/``.

    Args:
        files: the files of ``docs/``.
        config: the configuration of the site.
    """
    files.append(File.generated(config, "configuration.md", content=configuration_page()))
    files.append(File.generated(config, "measures.md", content=measures_page()))
    root = Path(config.config_file_path).parent
    for path in _outside(root):
        name = path.relative_to(root).as_posix()
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links between ``docs/`` and the rest of the repository lead to the site's pages.

    In the repository ``docs/`` is beside ``experiments/``; in the site it is the root.

    Args:
        markdown: the text of the page.
        page: the page.
        config: the configuration of the site.
        files: the files of the site.
    """
    here = page.file.src_uri
    outside = (Path(config.config_file_path).parent / here).is_file()
    folder = posixpath.dirname(here if outside else f"docs/{here}")

    def target(found: re.Match[str]) -> str:
        inside = posixpath.normpath(posixpath.join(folder, found[1])).removeprefix("docs/")
        if files.get_file_from_path(inside) is None:
            return found[1]  # MkDocs reports it if it is broken
        return posixpath.relpath(inside, PurePosixPath(here).parent.as_posix())

    return _LINK.sub(target, markdown)


def _names(entry: Any) -> Iterator[str]:
    """Yield the pages of a part of the navigation."""
    if isinstance(entry, str):
        yield entry
    elif entry is not None:
        for inner in entry.values() if isinstance(entry, dict) else entry:
            yield from _names(inner)


def _filled(entry: Any, pages: Sequence[str]) -> Any:
    """Return a part of the navigation with its patterns replaced."""
    if isinstance(entry, dict):
        return {title: _filled(inner, pages) for title, inner in entry.items()}
    if not isinstance(entry, list):
        return entry
    filled = []
    for inner in entry:
        if isinstance(inner, str) and "*" in inner:
            depth = inner.count("/")
            filled += [p for p in pages if fnmatch(p, inner) and p.count("/") == depth]
        else:
            filled.append(_filled(inner, pages))
    return filled


def _outside(root: Path) -> list[Path]:
    found = [root / name for name in _FILES]
    for folder in OUTSIDE:
        found += [path for path in sorted((root / folder).rglob("*")) if path.suffix in _SHOWN]
    return [path for path in found if path.is_file()]
