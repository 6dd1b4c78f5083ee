"""The page of the configuration holds every key of every option, and no other."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from clip_har.config.cell import GROUPS, Cell
from clip_har.config.compose import CONFIG_DIR
from clip_har.config.measures import MeasureSettings
from clip_har.config.options import option_files
from clip_har.config.report import ReportSettings
from clip_har.core.settings import Role, Settings
from clip_har.data.sampling import FrameSettings
from clip_har.noise.learned.learning_settings import LearningSettings
from docs.reference.configuration import configuration_page


@pytest.fixture(scope="module")
def sections() -> dict[str, str]:
    """The page's text by heading."""
    parts = re.split(r"^#{2,3} (.+)$", configuration_page(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def keys_of(section: str) -> list[str]:
    return re.findall(r"^\| `([\w.]+)` \|", section, flags=re.MULTILINE)


def flat(settings: type[Settings], prefix: str) -> set[str]:
    """Return the fields of a settings class as they are typed."""
    found = set()
    for name, field in settings.model_fields.items():
        typed, kind = f"{prefix}.{name}", field.annotation
        whole = prefix == "noise" and name == "learning"  # the root key of that name sets it
        nested = isinstance(kind, type) and issubclass(kind, Settings) and not whole
        found |= flat(kind, typed) if nested else {typed}  # type: ignore[arg-type]
    return found


def settings_of(path: Path) -> type[Settings]:
    """Return the class that an option names, or the option that it extends."""
    text = path.read_text(encoding="utf-8")
    if named := re.search(r"^_target_: (\S+)\.(\w+)$", text, flags=re.MULTILINE):
        found: type[Settings] = getattr(import_module(named[1]), named[2])
        return found
    (base,) = re.findall(r"^  - (\w+)$", text, flags=re.MULTILINE)
    return settings_of(path.with_name(f"{base}.yaml"))


def test_every_option_has_its_keys_and_no_other(sections: dict[str, str]) -> None:
    files = [path for group in GROUPS for path in option_files(group).values()]
    assert len(files) > 30
    titles = set()
    for path in files:
        group = path.relative_to(CONFIG_DIR).parts[0]
        titles.add(title := f"{group}={path.stem}")
        on_page = keys_of(sections[title])
        assert set(on_page) == flat(settings_of(path), group), title
        assert len(on_page) == len(set(on_page))
    shown = {title for title in sections if title.partition("=")[0] in GROUPS and "=" in title}
    assert shown == titles


def test_every_cells_keys(sections: dict[str, str]) -> None:
    nested = flat(FrameSettings, "frames") | flat(LearningSettings, "learning")
    nested |= flat(ReportSettings, "report") | flat(MeasureSettings, "measures")
    own = {*Cell.model_fields} - {*GROUPS, "frames", "learning", "measures", "report"}
    assert set(keys_of(sections["Every cell"])) == nested | own


def test_every_key_is_explained(sections: dict[str, str]) -> None:
    rows = [line for text in sections.values() for line in text.splitlines() if "| `" in line[:3]]
    assert len(rows) > 200
    for row in rows:
        _, _, default, allowed, meaning, _ = re.split(r"(?<!\\)\|", row)
        assert default.strip() != "``", row
        assert allowed.strip(), row
        assert meaning.strip(), row


def test_every_experiment_is_named(sections: dict[str, str]) -> None:
    for path in (CONFIG_DIR / "experiment").rglob("*.yaml"):
        option = path.relative_to(CONFIG_DIR / "experiment").with_suffix("").as_posix()
        assert f"experiment={option}" in sections


def test_what_a_row_says(sections: dict[str, str]) -> None:
    assert (
        "| `masking.patch` | `16` | whole number, ≥ 1, ≤ 64 | side of a patch in pixels; patches at"
        in sections["masking=percent"]
    )
    assert "| `seed` | `0` | whole number, ≥ 0 |" in sections["Every cell"]
    assert "`noise.loss.cross_entropy` | `0.3` | number, ≥ 0 |" in sections["noise=class_specific"]


def test_a_row_names_the_role_of_its_key(sections: dict[str, str]) -> None:
    every = sections["Every cell"]
    for key, role in {"seed": Role.RESULT, "device": Role.RUN, "ratio": Role.MASK}.items():
        (row,) = re.findall(rf"^\| `{key}` \|.*$", every, flags=re.MULTILINE)
        assert role.value in row
