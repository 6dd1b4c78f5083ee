"""The container's files fit together, and with the package."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from clip_har.config.compose import CONFIG_DIR

ROOT = CONFIG_DIR.parent
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def pins(path: Path) -> dict[str, str]:
    """Return the pinned versions of a lock file, with their markers cut off."""
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", path.read_text(), flags=re.MULTILINE))


def test_the_dockerfile_passes_its_linter():
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint is not installed beside this Python")
    done = subprocess.run(
        [linter, ROOT / "docker" / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_the_images_versions_are_those_of_the_lock():
    ours, all_of_them = (
        pins(ROOT / "docker" / "requirements.lock"),
        pins(ROOT / "requirements.lock"),
    )
    assert ours.items() <= all_of_them.items()
    assert {"torch", "mlflow", "psycopg", "hatchling"} <= ours.keys()
    assert not {"pytest", "mypy", "ray", "mkdocs"} & ours.keys()


@pytest.mark.parametrize(
    ("device", "index"), [("cuda", ""), ("cpu", ""), ("cpu", "https://wheels.example")]
)
def test_what_is_installed_for_which_device(device, index, tmp_path):
    """The script runs for real, with a pip that only says what it was asked for."""
    pip = tmp_path / "pip"
    pip.write_text(
        '#!/bin/sh\necho "$@" >>asked\nfor last; do :; done\n'
        'if [ -f "$last" ]; then cp "$last" installed.lock; fi\n'
    )
    pip.chmod(0o755)
    lock = ROOT / "docker" / "requirements.lock"
    shutil.copy(lock, tmp_path / "requirements.lock")
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}", "DEVICE": device, "TORCH_INDEX": index,
    }  # fmt: skip
    done = subprocess.run(
        ["sh", ROOT / "docker" / "install.sh", "requirements.lock"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *first, last = (tmp_path / "asked").read_text().splitlines()
    assert "--no-deps --require-hashes" in last
    whole, installed = pins(lock), pins(tmp_path / "installed.lock")
    left_out = whole.keys() - installed.keys()
    if index:
        torch, vision = whole["torch"], whole["torchvision"]
        assert first == [
            f"install --no-deps --index-url {index} torch=={torch} torchvision=={vision}"
        ]
        assert {"torch", "torchvision", "triton", "nvidia-nccl-cu13"} <= left_out
        assert not [name for name in installed if name.startswith(("nvidia", "cuda"))]
    else:
        assert not first
        assert left_out == ({"triton"} if device == "cpu" else set())
    assert (tmp_path / "installed.lock").read_text().count("--hash=sha256") > 500


def test_another_device_is_refused(tmp_path):
    done = subprocess.run(
        ["sh", ROOT / "docker" / "install.sh", "x"], env=os.environ | {"DEVICE": "tpu"},
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "DEVICE: expected cpu or cuda, got 'tpu'\n"


def test_compose_takes_the_files():
    docker = shutil.which("docker")
    files = ("-f", "docker/compose.yaml", "-f", "docker/compose.cuda.yaml")
    command = [docker or "docker", "compose", *files]
    if not docker or subprocess.run([*command[:2], "version"], check=False).returncode:
        pytest.skip("no docker compose here")
    done = subprocess.run(
        [*command, "--profile", "bench", "--profile", "test", "config", "--quiet"],
        cwd=ROOT, env=os.environ | {"POSTGRES_PASSWORD": "x"}, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["compose.yaml", "compose.cuda.yaml"])
def test_the_compose_files_keep_to_the_specification(name):
    pytest.importorskip("check_jsonschema", reason="check-jsonschema carries its schema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*command, ROOT / "docker" / name], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_stage_that_asks_for_the_device_declares_it():
    """Builders differ in whether a stage takes over the arguments of the one it is built on."""
    for stage in re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]:
        if "install.sh " in stage.partition("RUN")[2]:
            assert {"DEVICE", "TORCH_INDEX"} <= set(re.findall(r"^ARG (\w+)", stage, re.MULTILINE))


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ((), {"DEVICE": "cpu", "DATA": "", "PORT": "5000"}),
        (("DEVICE=cuda", "DATA=docs", "PORT=5001"), {"DEVICE": "cuda", "DATA": "docs"}),
    ],
)
def test_what_make_hands_to_compose(typed, expected, tmp_path):
    """make runs for real, with an engine that only says what it was asked for."""
    engine = tmp_path / "engine"
    engine.write_text('#!/bin/sh\necho "$@"\nenv\n')
    engine.chmod(0o755)
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "docker").mkdir()
    done = subprocess.run(
        ["make", "docker-demo", f"ENGINE={engine}", "RESULTS=out", *typed],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={key: value for key, value in os.environ.items() if key not in expected},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    given = dict(line.split("=", 1) for line in printed if re.match("[A-Z_]+=", line))
    if expected["DATA"]:  # a relative one would be a volume's name
        expected = expected | {"DATA": str(tmp_path / expected["DATA"])}
    assert expected.items() <= given.items()
    assert given["RESULTS"] == str(tmp_path / "out")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", given["RUN_AS"]), "the bench would be root"
    (run,) = [line for line in printed if " run " in line]
    assert run.endswith("run --rm bench experiment=demo")
    assert ("compose.cuda.yaml" in run) == (given["DEVICE"] == "cuda")
    secret = tmp_path / "docker" / ".env"
    assert secret.stat().st_mode & 0o777 == 0o600
    assert re.fullmatch(r"POSTGRES_PASSWORD=[0-9a-f]{48}\n", secret.read_text())


def test_services_name_targets_volumes_and_conditions_that_exist():
    targets = set(re.findall(r"^FROM \S+ AS (\w+)$", DOCKERFILE, flags=re.MULTILINE))
    for name, service in SERVICES.items():
        if "build" in service:
            assert service["build"]["target"] in targets, name
            assert (ROOT / "docker" / service["build"]["context"] / "docker/Dockerfile").is_file()
        else:
            assert re.search(r":[0-9]+\.[0-9]+", service["image"]), f"{name} is not pinned"
        for volume in service.get("volumes", ()):
            source = volume.rpartition(":/")[0]
            source = re.sub(r"\$\{\w+:-(\w+)\}", r"\1", source)
            assert source in COMPOSE["volumes"], name
        for other, needed in service.get("depends_on", {}).items():
            assert needed["condition"] == "service_healthy"
            assert "healthcheck" in SERVICES[other]
    assert not any("privileged" in service for service in SERVICES.values())


def test_the_bench_reaches_the_server_under_a_name_that_it_allows():
    address = SERVICES["bench"]["environment"]["MLFLOW_TRACKING_URI"].removeprefix("http://")
    assert address.partition(":")[0] in SERVICES
    (allowed,) = [x for x in SERVICES["mlflow"]["entrypoint"] if x.startswith("--allowed-hosts=")]
    assert address in allowed.partition("=")[2].split(",")


def test_ports_are_bound_to_this_machine_alone():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_image_holds_no_weights_data_or_root():
    final = DOCKERFILE.partition(" AS bench")[2]
    assert "COPY --from=build /opt/venv" in final
    assert final.count("COPY") == 1
    assert re.search(r"^USER \d+", final, flags=re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert "!results" not in ignored
    assert "!.git" not in ignored


@pytest.mark.slow
def test_the_numbers_inside_are_those_outside():
    done = subprocess.run(
        [sys.executable, ROOT / "docker" / "check.py", "--engine=docker", "--services"],
        cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}, text=True, capture_output=True,
        check=False,
    )  # fmt: skip
    if done.returncode == 3:  # no docker, or a client without its daemon
        pytest.skip(f"{done.stderr.strip()} (make docker-check takes other engines)")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "equal to the bit" in done.stdout
