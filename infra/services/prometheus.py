"""Prometheus, only where the machine has it: scrapes the store and Jaeger."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from infra.services.failures import Unavailable
from infra.services.home import Home
from infra.services.ports import Ports
from infra.services.service import Launch, Running, Service, address, answers, nothing_to_set_up

JOB = """\
  - job_name: {name}
    metrics_path: {path}
    static_configs: [{{targets: ["{target}"]}}]
"""


def install(home: Home) -> Path:
    path = shutil.which("prometheus")
    if path is None:
        raise Unavailable("the prometheus program is not installed (Debian and Ubuntu: the package prometheus)")
    return Path(path)


def launch(home: Home, installed: Path, ports: Ports, running: Running) -> Launch:
    folder = home.data("prometheus")
    configuration = folder / "prometheus.yml"
    jobs = ""
    if "minio" in running:
        jobs += JOB.format(name="minio", path="/minio/v2/metrics/cluster", target=address(running["minio"]["api"]))
    if "jaeger" in running:
        jobs += JOB.format(name="jaeger", path="/metrics", target=address(running["jaeger"]["metrics"]))
    text = f"global: {{scrape_interval: 5s}}\nscrape_configs:\n{jobs}"
    command = [str(installed), f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'tsdb'}"]
    command += [f"--web.listen-address={address(ports['web'])}", "--storage.tsdb.retention.size=256MB"]
    return Launch(command, files={configuration: text})


def look(home: Home, ports: Ports) -> str:
    return f"http://{address(ports['web'])} in a browser"


def exports(home: Home, ports: Ports) -> Mapping[str, str]:
    return {}


PROMETHEUS = Service(
    name="prometheus",
    title="Prometheus",
    usual_ports={"web": 19090},
    install=install,
    launch=launch,
    ready=lambda ports: answers(f"http://{address(ports['web'])}/-/ready"),
    set_up=nothing_to_set_up,
    look=look,
    exports=exports,
    optional=True,
)
