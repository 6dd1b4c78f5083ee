"""The digest of a stage's code follows what can change its results, and nothing else."""

from pathlib import Path

import pytest

from clip_har.config.compose import CONFIG_DIR
from clip_har.core import code_version
from clip_har.core.code_version import PACKAGE, closure_of, code_of

FILES = {
    "__init__": "from clip_har.apart import other",
    "core/__init__": "",
    "core/leaf": '"""A leaf."""\nROWS = 3\n',
    "core/late": "LATE = 1\n",
    "core/types": "class Row: ...\n",
    "stage/__init__": "from clip_har.core.leaf import ROWS\n",
    "stage/work": '''"""Work."""
from typing import TYPE_CHECKING

from .near import near

if TYPE_CHECKING:
    from clip_har.core.types import Row


def work(text: str = "a # b") -> "Row":
    """Do it."""
    from clip_har.core import late  # only now

    return late.LATE + near(f"{text}")
''',
    "stage/near": "import clip_har.core.leaf\n\ndef near(x): return x\n",
    "apart/__init__": "",
    "apart/other": "OTHER = 1\n",
}
WORK = "clip_har.stage.work"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in the place of this one."""
    folder = tmp_path / "clip_har"
    for name, text in FILES.items():
        write(folder, name, text)
    monkeypatch.setattr(code_version, "PACKAGE", folder)
    forget()
    yield folder
    forget()


def write(folder: Path, name: str, text: str) -> None:
    path = folder / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def forget() -> None:
    for cached in (code_version._read, code_version._source, code_of):
        cached.cache_clear()


def digest_with(folder: Path, name: str, old: str, new: str) -> str:
    changed = FILES[name].replace(old, new)
    assert changed != FILES[name]
    write(folder, name, changed)
    forget()
    return code_of(WORK)


@pytest.mark.usefixtures("package")
def test_imports_are_followed_in_modules_functions_and_packages_but_not_those_for_types():
    assert closure_of(WORK) == {
        WORK,
        "clip_har.core",
        "clip_har.core.late",
        "clip_har.core.leaf",
        "clip_har.stage",
        "clip_har.stage.near",
    }


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage/work", "late.LATE +", "late.LATE -"),
        ("stage/work", "a # b", "a # c"),  # no comment
        ("stage/near", "return x", "return -x"),
        ("core/leaf", "ROWS = 3", "ROWS = 4"),
        ("core/late", "LATE = 1", "LATE = 2"),
        ("stage/__init__", "import ROWS", "import ROWS as R"),
    ],
)
def test_a_change_in_the_code_changes_it(package, name, old, new):
    before = code_of(WORK)
    assert digest_with(package, name, old, new) != before


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stage/work", '"""Work."""', '"""Mended.\n\nAt length.\n"""'),
        ("stage/work", '"""Do it."""', "'''Do it well.'''"),
        ("stage/work", "# only now", "# as late as can be"),
        ("stage/work", "\n\n\ndef", "\n# A remark.\n\ndef"),
        ("core/leaf", '"""A leaf."""\n', ""),
        ("core/types", "Row", "Line"),
        ("apart/other", "OTHER = 1", "OTHER = 2"),
        ("__init__", "import other", "import other as api"),
    ],
)
def test_remarks_and_modules_that_are_not_used_do_not(package, name, old, new):
    before = code_of(WORK)
    assert digest_with(package, name, old, new) == before


@pytest.mark.usefixtures("package")
def test_the_order_of_the_names_does_not_count():
    assert code_of(WORK, "clip_har.apart.other") == code_of("clip_har.apart.other", WORK)
    assert code_of(WORK) != code_of(WORK, "clip_har.apart.other")


def test_blank_lines_in_a_text_count(package):
    write(package, "core/leaf", 'TEXT = """a\n\nb"""\n')
    forget()
    before = code_of("clip_har.core.leaf")
    write(package, "core/leaf", 'TEXT = """a\nb"""\n')
    forget()
    assert code_of("clip_har.core.leaf") != before


def test_a_module_of_somebody_else_counts_with_what_it_imports():
    assert "clip_har.core.code_version" in closure_of(__name__)
    assert "clip_har.core.evenly" not in closure_of(__name__)


def test_a_name_that_is_no_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match="nothing_of_that_name"):
        code_of("clip_har.nothing_of_that_name")


def test_what_learned_noise_depends_on_is_found_and_not_listed():
    assert "clip_har.core.evenly" in closure_of("clip_har.noise.learned.fitted")


NOT_IN_A_RESULT = ("figures", "tracking", "report", "cli", "sweep", "synthetic")
OPTIONS = (
    "clip_har.data.sources.ucf101",
    "clip_har.models.clip",
    "clip_har.models.siglip",
    "clip_har.regions.person",
    "clip_har.regions.motion",
    "clip_har.regions.selfie",
)


def test_a_result_does_not_depend_on_what_only_shows_it_nor_on_options_it_does_not_use():
    closure = closure_of("clip_har.engine.evaluate")
    assert "clip_har.data.decode.video" in closure
    assert not [name for name in closure if name.split(".")[1] in NOT_IN_A_RESULT]
    assert not closure & set(OPTIONS)
    assert "clip_har.config.cell" not in closure, "a new setting makes no result stale"


def test_a_result_does_not_depend_on_metrics_nor_on_masks_it_does_not_use():
    closure = closure_of("clip_har.engine.evaluate", "clip_har.noise.none")
    metrics = {name for name in closure if name.startswith("clip_har.metrics.")}
    assert metrics <= {"clip_har.metrics.attention"}
    masks = {path.stem for path in (CONFIG_DIR / "masking").glob("*.yaml")}
    assert "percent" in masks
    assert not closure & {f"clip_har.masking.{name}" for name in masks}


@pytest.mark.parametrize("noise", ["none", "random"])
def test_only_a_cell_with_learned_noise_depends_on_its_code_and_its_masks(noise):
    closure = closure_of("clip_har.engine.evaluate", f"clip_har.noise.{noise}")
    assert not [name for name in closure if name.startswith("clip_har.noise.learned")]
    with_learned = closure_of("clip_har.engine.evaluate", "clip_har.noise.learned.settings")
    folder = PACKAGE / "noise" / "learned"
    assert {f"clip_har.noise.learned.{path.stem}" for path in folder.glob("[a-z]*.py")} <= (
        with_learned
    )
    assert "clip_har.masking.isolation" in with_learned
