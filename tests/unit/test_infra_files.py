"""What is written down for Docker, dashboards and locks keeps its own rules. No container engine runs here."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.services import buckets, topics
from infra.services.home import REPOSITORY
from pipeline.engines.gpu import TENSORRT
from pipeline.settings import Settings

COMPOSE: dict[str, Any] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONCE = {name for name, service in SERVICES.items() if service["restart"] == "no"}
DOCKERFILE = (REPOSITORY / "infra/docker/Dockerfile").read_text()
DASHBOARDS = sorted((REPOSITORY / "infra/grafana/dashboards").glob("*.json"))
LOCKS = ("worker", "test", "gpu")


def locked(name: str) -> dict[str, str]:
    """Package -> version, with each line's hashes checked on the way."""
    text = (REPOSITORY / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    pins = {}
    for line in text.splitlines():
        found = re.fullmatch(r"([a-z0-9-]+)==(\S+)(?: ; .+?)?((?:\s+--hash=sha256:[0-9a-f]{64})+)\s*", line)
        assert found is not None, f"not a pinned and hashed requirement: {line[:80]}"
        pins[found[1]] = found[2]
    return pins


def bare(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9-]", requirement, maxsplit=1)[0].lower()


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_containers_are_guarded(name: str) -> None:
    """No container writes its root, gains privileges, grows without end, or listens beyond loopback."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
    assert service["user"] != "0:0" or (name in ONCE and service["cap_add"] == ["CHOWN"])


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - ONCE))
def test_what_stays_up_has_a_health_check(name: str) -> None:
    """Everything that others wait for says whether it works, by a program and not through a shell."""
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


def test_images_are_pinned_and_waits_can_end() -> None:
    """No image is whatever is newest; a wait for health has a check to wait for, a wait for success an end."""
    for service in SERVICES.values():
        image = service["image"]
        assert "build" in service or image.startswith("pagestream:") or re.search(r":.*\d", image)
        for other, wait in service.get("depends_on", {}).items():
            assert (wait["condition"] == "service_completed_successfully") == (other in ONCE)


def test_no_secret_stands_in_an_environment() -> None:
    """Keys go in as files only."""
    for service in SERVICES.values():
        for name in service.get("environment", {}):
            assert not re.search("PASSWORD|SECRET|ACCESS_KEY", name) or name.endswith("_FILE")
            assert name != "MINIO_ROOT_USER"


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_a_worker_is_given_settings_that_exist(name: str) -> None:
    """Each PAGESTREAM_ variable of a worker is a field of the settings."""
    for variable in SERVICES[name]["environment"]:
        section, field = variable.removeprefix("PAGESTREAM_").lower().split("__")
        assert field in type(getattr(Settings(), section)).model_fields


def test_the_stack_for_docker_is_the_stack_without() -> None:
    """Topic, buckets, sizes and addresses are the same in docker-compose.yml and in `make up`."""
    assert SERVICES["store"]["environment"]["MINIO_NOTIFY_KAFKA_TOPIC_PRIMARY"] == topics.DOCUMENTS
    assert SERVICES["kafka"]["environment"]["KAFKA_MESSAGE_MAX_BYTES"] == str(topics.LARGEST_BYTES)
    assert f"store/{buckets.DOCUMENTS} store/{buckets.RESULTS}" in SERVICES["buckets"]["command"][0]
    assert f"arn:minio:sqs::{buckets.TARGET}:kafka" in SERVICES["buckets"]["command"][0]


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_a_worker_is_healthy_while_it_is_ready(name: str) -> None:
    """The check looks for the very file that the worker keeps, in a folder that it may write."""
    file = SERVICES[name]["environment"]["PAGESTREAM_TELEMETRY__READY_FILE"]
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "test", "-f", file]
    assert any(mount.split(":")[0] == str(Path(file).parent) for mount in SERVICES[name]["tmpfs"])


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_a_worker_is_recycled_before_it_is_killed(name: str) -> None:
    """Its ceiling lies below its container's limit, with room for decoders, and whatever ends it starts it again."""
    gib = int(SERVICES[name]["mem_limit"].removesuffix("g"))
    assert 0 < int(SERVICES[name]["environment"]["PAGESTREAM_FLOW__MEMORY_CEILING_MB"]) <= gib * 1024 * 2 / 3
    assert SERVICES[name]["restart"] == "unless-stopped"


def test_mounted_files_are_there() -> None:
    """Nothing of the repository is mounted that is not in it."""
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or (REPOSITORY / source).exists()
        build = service.get("build")
        assert build is None or re.search(rf"^FROM \S+ AS {build['target']}$", DOCKERFILE, re.MULTILINE)


def test_the_image_runs_as_nobody_in_particular() -> None:
    """The last stages are not root's, start the program itself, and install nothing that is not pinned by hash."""
    worker = DOCKERFILE[DOCKERFILE.index("AS worker") :]
    assert "\nUSER 10001:10001\n" in worker
    assert re.search(r'^ENTRYPOINT \["', worker, re.MULTILINE)
    for line in re.findall(r"pip install (.*)", DOCKERFILE):
        assert "--require-hashes" in line or "--no-deps --no-build-isolation ." in line or "_INDEX" in line
    foreign = {image for image in re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) if ":" in image}
    assert all(re.search(r":.*\d", image) for image in foreign)


def test_what_is_built_for_a_gpu_outlives_the_container() -> None:
    """The folder for built engines is the worker's own to write, known to its settings, and kept in a volume."""
    folder = re.search(r"PAGESTREAM_ENGINE__CACHE_DIRECTORY=(\S+)", DOCKERFILE)
    assert folder is not None
    assert f"install --directory --owner=10001 --group=10001 {folder[1]}\n" in DOCKERFILE
    assert f"engines:{folder[1]}" in SERVICES["worker-gpu"]["volumes"]


def test_the_gpu_image_finds_its_libraries() -> None:
    """Libraries are looked for where the packages put them; TensorRT is the version that onnxruntime is linked to."""
    (path,) = re.findall(r"LD_LIBRARY_PATH=(\S+)", DOCKERFILE)
    assert [place.split("/", 1)[1] for place in path.split(":")] == [
        "nvidia/cu13/lib", "nvidia/cudnn/lib", "tensorrt_libs"
    ]  # fmt: skip
    wanted = re.search(r"tensorrt-cu(\d+)>=(\d+)[.\d]*,<(\d+)", DOCKERFILE)
    assert wanted is not None
    assert TENSORRT[0] == f"libnvinfer.so.{wanted[2]}"
    assert int(wanted[3]) == int(wanted[2]) + 1
    assert "nvidia-cublas" in locked("gpu")
    assert f"nvidia-cudnn-cu{wanted[1]}" in locked("gpu")


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_dashboards_ask_sources_that_are_provided(path: Path) -> None:
    """Every panel's source is one of the provisioned ones, and every panel says what it means."""
    sources = yaml.safe_load((REPOSITORY / "infra/grafana/provisioning/datasources/sources.yml").read_text())
    known = {source["uid"] for source in sources["datasources"]}
    for panel in json.loads(path.read_text())["panels"]:
        assert panel["datasource"]["uid"] in known
        assert panel["description"]


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_place(name: str) -> None:
    """A lock pins versions and hashes; where packages come from is the machine's own setting."""
    assert locked(name)
    assert "://" not in (REPOSITORY / "requirements" / f"{name}.txt").read_text()


def test_locks_agree() -> None:
    """Tests run on the very versions a worker runs on, and all that the package asks for is locked."""
    worker, test, gpu = (locked(name) for name in LOCKS)
    assert worker.items() <= test.items()
    assert {name for name in worker.keys() & gpu.keys() if worker[name] != gpu[name]} <= {"onnxruntime"}
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert {bare(requirement) for requirement in project["dependencies"]} <= worker.keys()
    asked = (REPOSITORY / "requirements/test.in").read_text().splitlines()
    assert {bare(line) for line in asked if not line.startswith("#")} <= test.keys()


def test_every_part_has_a_layer() -> None:
    """A new part of the pipeline is given its place among the import directions, or nothing would check it."""
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    placed = set(re.findall(r"pipeline\.(\w+)", " ".join(contracts[0]["layers"])))
    parts = {path.stem for path in (REPOSITORY / "pipeline").glob("*.py")}
    parts |= {path.parent.name for path in (REPOSITORY / "pipeline").glob("*/__init__.py")}
    assert parts - {"__init__"} == placed
