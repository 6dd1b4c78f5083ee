"""The site builds without a warning, holds what it shall, and fetches nothing."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.conftest import REPOSITORY
from tests.docs.pages import DOCS


def build(out: Path, config: Path = REPOSITORY / "mkdocs.yml") -> subprocess.CompletedProcess[str]:
    command = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(out)]
    return subprocess.run(
        [sys.executable, *command, "--config-file", str(config)],
        cwd=config.parent,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = build(out)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


class Fetched(HTMLParser):
    """Collects what a browser fetches for a page, and the links that lead elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("img", "script", "iframe", "source"):
            self.fetched.add(given.get("src") or "")
        if tag == "link" and given.get("rel") != "canonical":
            self.fetched.add(given.get("href") or "")
        if tag == "a":
            self.links.add(given.get("href") or "")


def test_every_page_is_in_the_navigation(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    navigation = set(re.findall(r'<a href="([^"#]+)" class="md-nav__link', index)) | {"index.html"}
    pages = {path.relative_to(DOCS).with_suffix(".html").as_posix() for path in DOCS.rglob("*.md")}
    assert pages <= navigation
    assert {"configuration.html", "measures.html", "CONTRIBUTING.html"} <= navigation
    studies = (REPOSITORY / "experiments").glob("*/README.md")
    assert {f"experiments/{path.parent.name}/index.html" for path in studies} <= navigation


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    links = set()
    for path in site.rglob("*.html"):
        parser = Fetched()
        parser.feed(path.read_text(encoding="utf-8"))
        assert not {url for url in parser.fetched if re.match(r"(?:https?:)?//", url)}, path
        links |= {url for url in parser.links if re.match(r"(?:https?:)?//", url)}
    assert all(url.startswith("https://") for url in links), sorted(links)  # listed, not asked
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(?:https?:)?//", styles)


def test_docstrings_became_text_and_code(site: Path) -> None:
    page = (site / "measures.html").read_text(encoding="utf-8")
    assert "expected_calibration_error" in page
    assert "Guo et al." in page, "the source of a formula"
    assert 'class="admonition example"' not in page
    assert "<details" not in page


def test_a_broken_link_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text("# Start\n\n[gone](gone.md) [here](#nowhere)\n")
    kept = re.sub(
        r"^(?:hooks|nav|plugins|extra_css):.*?(?=^\S|\Z)",
        "",
        (REPOSITORY / "mkdocs.yml").read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    (tmp_path / "mkdocs.yml").write_text(kept, encoding="utf-8")
    done = build(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert done.returncode != 0
    assert "gone.md" in done.stderr
    assert "#nowhere" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_fits_its_window(site: Path, browser: Browser, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    faults: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    for path in sorted(site.rglob("*.html")):
        if path.name == "404.html":  # its links begin at the root of a server
            continue
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert page.evaluate("[...document.images].every(i => !i.complete || i.naturalWidth)"), path
    assert faults == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
