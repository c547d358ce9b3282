"""In what order do services come up and go down, and what do those that run tell a worker."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.services import ports, records
from infra.services.failures import Failed, Unavailable
from infra.services.home import Home
from infra.services.jaeger import JAEGER
from infra.services.kafka import KAFKA
from infra.services.minio import MINIO
from infra.services.process import Process, start, wait_ready
from infra.services.prometheus import PROMETHEUS
from infra.services.records import Record
from infra.services.say import say, step
from infra.services.service import Launch, Service
from infra.services.tools import run

SERVICES = {service.name: service for service in (KAFKA, MINIO, JAEGER, PROMETHEUS)}
"""In the order they start: the store connects to Kafka's topic, Prometheus scrapes the others."""


@dataclass(slots=True)
class Outcome:
    skipped: dict[str, str] = field(default_factory=dict)
    """Services that can't be had on this machine, with the reason."""
    failed: list[str] = field(default_factory=list)


def up(home: Home, names: Sequence[str]) -> Outcome:
    """Make the named services run. One that can't be installed or started does not keep the others down."""
    outcome = Outcome()
    for service in (SERVICES[name] for name in SERVICES if name in names):
        try:
            _ensure(home, service)
        except Unavailable as reason:
            outcome.skipped[service.name] = str(reason)
            say(f"{service.name:<10} skipped: {reason}")
        except Failed as failure:
            outcome.failed.append(service.name)
            say(f"{service.name:<10} FAILED: {failure.explain()}")
    _write_exports(home)
    return outcome


def down(home: Home, names: Sequence[str]) -> None:
    for name in [name for name in reversed(SERVICES) if name in names]:
        _stop(home, SERVICES[name], "stopping")
    _write_exports(home)


def running(home: Home) -> dict[str, Mapping[str, int]]:
    """Ports of the services that are alive."""
    known = {name: records.read(home.record(name)) for name in SERVICES}
    return {name: record.ports for name, record in known.items() if record is not None}


def exports(home: Home) -> dict[str, str]:
    """Environment variables that point a worker and the tests at what runs."""
    told: dict[str, str] = {}
    for name, own in running(home).items():
        told |= SERVICES[name].exports(home, own)
    return told


def _ensure(home: Home, service: Service) -> None:
    installed = service.install(home)
    others = {name: own for name, own in running(home).items() if name != service.name}
    record = records.read(home.record(service.name))
    if record is not None:
        if record.launch == service.launch(home, installed, record.ports, others).digest():
            say(f"{service.name:<10} is already up")
            return
        _stop(home, service, "stopping, to start it with other settings")
    own = ports.choose(service.name, service.usual_ports)
    launch = service.launch(home, installed, own, others)
    try:
        with step(service.name, f"starting {service.title}"):
            process = _start(home, service, launch, own)
            service.set_up(home, installed, own, others)
    except BaseException:
        _stop(home, service, "stopping what did not start")
        raise
    records.write(home.record(service.name), Record(process, own, launch.digest()))


def _start(home: Home, service: Service, launch: Launch, own: Mapping[str, int]) -> Process:
    log, folder = home.log(service.name), home.data(service.name)
    for path, text in launch.files.items():
        path.write_text(text)
    if launch.first:
        run(launch.first, folder=folder, log=log)
    process = start(launch.command, environment=launch.environment, folder=folder, log=log)
    records.write(home.record(service.name), Record(process, own))
    wait_ready(process, lambda: service.ready(own), deadline_s=service.deadline_s, log=log)
    return process


def _stop(home: Home, service: Service, why: str) -> None:
    record = records.read(home.record(service.name))
    if record is not None:
        with step(service.name, why):
            record.process.stop()
    home.record(service.name).unlink(missing_ok=True)


def _write_exports(home: Home) -> None:
    lines = [f"export {name}={shlex.quote(value)}\n" for name, value in exports(home).items()]
    home.environment.parent.mkdir(parents=True, exist_ok=True)
    home.environment.touch(mode=0o600)
    home.environment.write_text("".join(lines))
