"""Services come up once, tell why they don't, and end by their own process."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.services import ports, records, stack
from infra.services.failures import Failed, Unavailable
from infra.services.home import Home
from infra.services.jaeger import JAEGER
from infra.services.kafka import KAFKA
from infra.services.minio import MINIO
from infra.services.ports import Ports
from infra.services.process import Process, start, wait_ready
from infra.services.prometheus import PROMETHEUS
from infra.services.records import Record
from infra.services.service import Launch, Running, Service, nothing_to_set_up
from infra.services.topics import DOCUMENTS, MAX_BYTES
from pipeline.settings import Settings
from pipeline.workers.publishing import Topics

LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    server.accept()[0].close()
"""


def listener(name: str, program: str = LISTEN) -> Service:
    """A service that is a Python program; its usual port is whichever is free."""

    def launch(home: Home, installed: Path, own: Ports, running: Running) -> Launch:
        return Launch([sys.executable, "-c", program, str(own["client"])])

    return Service(
        name=name,
        title=name,
        usual_ports={"client": free_port()},
        install=lambda home: home.root,
        launch=launch,
        ready=lambda own: ports.listening(own["client"]),
        set_up=nothing_to_set_up,
        look=lambda home, own: "",
        exports=lambda home, own: {f"{name.upper()}_PORT": str(own["client"])},
        deadline_s=20,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def unavailable(home: Home) -> Path:
    raise Unavailable("no such tool")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    home = Home(tmp_path / "home", tmp_path / "cache")
    services = {service.name: service for service in (listener("one"), listener("two"))}
    monkeypatch.setattr(stack, "SERVICES", services)
    yield home
    stack.down(home, list(stack.SERVICES))


def process_of(home: Home, name: str) -> Process:
    record = records.read(home.record(name))
    assert record is not None
    return record.process


def test_up_twice_starts_once(home: Home) -> None:
    """Going up again leaves what runs as it is."""
    stack.up(home, ["one"])
    first = process_of(home, "one")
    assert stack.up(home, ["one"]).failed == []
    assert process_of(home, "one") == first


def test_down_ends_what_up_started(home: Home) -> None:
    """After down no process, no record and no address is left; the other service goes on."""
    stack.up(home, ["one", "two"])
    process = process_of(home, "one")
    stack.down(home, ["one"])
    assert not process.alive
    assert list(stack.running(home)) == ["two"]
    assert "ONE_PORT" not in home.environment.read_text()


def test_a_missing_tool_is_told_and_the_rest_goes_on(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What can't be installed is skipped with its reason."""
    monkeypatch.setitem(stack.SERVICES, "one", replace(stack.SERVICES["one"], install=unavailable))
    outcome = stack.up(home, ["one", "two"])
    assert outcome.skipped == {"one": "no such tool"}
    assert list(stack.running(home)) == ["two"]


def test_a_failed_start_shows_the_log(
    home: Home, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A service that ends while starting is told with the end of its log, and keeps no other down."""
    monkeypatch.setitem(stack.SERVICES, "one", listener("one", "raise SystemExit('out of luck')"))
    outcome = stack.up(home, ["one", "two"])
    assert outcome.failed == ["one"]
    assert "out of luck" in capsys.readouterr().out
    assert list(stack.running(home)) == ["two"]


def test_other_settings_start_it_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that runs with an older configuration is replaced."""
    stack.up(home, ["one"])
    first = process_of(home, "one")
    monkeypatch.setitem(stack.SERVICES, "one", listener("one", LISTEN + "\n"))
    stack.up(home, ["one"])
    assert process_of(home, "one") != first


def test_a_recycled_process_id_is_not_ours(tmp_path: Path) -> None:
    """A process that has our id but another start time is neither alive for us nor signalled."""
    stranger = Process(os.getpid(), "another start")
    assert not stranger.alive
    stranger.stop()
    records.write(tmp_path / "record", Record(stranger, {}))
    assert records.read(tmp_path / "record") is None


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopping has a deadline."""
    monkeypatch.setattr("infra.services.process.STOP_DEADLINE_S", 0.5)
    stubborn = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + LISTEN
    port = free_port()
    command = [sys.executable, "-c", stubborn, str(port)]
    process = start(command, environment={}, folder=tmp_path, log=tmp_path / "log")
    wait_ready(process, lambda: ports.listening(port), deadline_s=20, log=tmp_path / "log")
    process.stop()
    assert not process.alive


def test_a_taken_port_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's own program on the usual port does not stop us; on a port that was asked for it does, by name."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = int(other.getsockname()[1])
        assert ports.choose("kafka", {"client": taken})["client"] != taken
        monkeypatch.setenv("PAGESTREAM_SERVICES_KAFKA_CLIENT", str(taken))
        with pytest.raises(Failed, match="PAGESTREAM_SERVICES_KAFKA_CLIENT"):
            ports.choose("kafka", {"client": 0})


def test_an_install_is_whole_or_not_there(tmp_path: Path) -> None:
    """A build that fails leaves nothing that a later run would take for done; one that succeeds is not repeated."""
    home, pin = Home(tmp_path / "home", tmp_path / "cache"), tmp_path / "pin"
    pin.write_text("1")
    built = []

    def build(folder: Path, log: Path) -> None:
        (folder / "half").touch()
        built.append(folder)
        if len(built) == 1:
            raise Failed("no network")

    with pytest.raises(Failed):
        home.installed("it", [pin], build)
    assert list(home.cache.iterdir()) == []
    assert home.installed("it", [pin], build) == home.installed("it", [pin], build)
    assert len(built) == 2
    pin.write_text("2")
    home.installed("it", [pin], build)
    assert len(built) == 3


def test_secrets_are_made_once_and_private(tmp_path: Path) -> None:
    """A key is random, stays the same, and only its owner gets to it."""
    home = Home(tmp_path, tmp_path)
    path = home.secret("key")
    assert path.read_text() == home.secret("key").read_text() != home.secret("other").read_text()
    assert path.parent.stat().st_mode & 0o077 == 0


def test_topics_are_those_a_worker_reads_and_writes() -> None:
    """The stack makes every topic of the default settings; all but the input take 64 KiB more than it."""
    settings = Settings()
    names = Topics.under(settings.kafka.topic_prefix, settings.flow.retry_delays_s)
    wanted = {names.documents, names.pages, names.results, names.dead_letter, *names.retry.values()}
    assert wanted == set(MAX_BYTES)
    assert names.documents == DOCUMENTS
    assert MAX_BYTES[DOCUMENTS] == settings.kafka.max_event_bytes
    assert {MAX_BYTES[name] for name in wanted - {DOCUMENTS}} == {settings.kafka.max_event_bytes + 64 * 1024}


@pytest.mark.parametrize("service", [KAFKA, MINIO, JAEGER, PROMETHEUS], ids=lambda service: service.name)
def test_services_listen_on_loopback_and_unusual_ports(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each port stands in the configuration with the loopback address, and none is a product's own default."""
    monkeypatch.setattr("infra.services.tools.java", lambda: "java")
    home = Home(tmp_path, tmp_path)
    launch = service.launch(home, tmp_path, service.usual_ports, {"kafka": KAFKA.usual_ports})
    told = " ".join([*launch.command, *launch.files.values()]).replace('", port: ', ":")
    assert all(f"127.0.0.1:{port}" in told for port in service.usual_ports.values())
    assert not {9092, 9093, 9000, 9001, 4317, 4318, 16685, 16686, 8888, 13133, 9090} & set(service.usual_ports.values())
    assert "0.0.0.0" not in told
