"""Jaeger: takes traces over OTLP, keeps the last ones in memory, answers queries; compiled, so without its web page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra.services import tools
from infra.services.home import PINS, Home
from infra.services.ports import HOST, Ports
from infra.services.service import Launch, Running, Service, address, answers, nothing_to_set_up

MODULE = PINS / "jaeger"
TRACES_KEPT = 20_000

CONFIGURATION = """\
extensions:
  jaeger_storage:
    backends:
      memory: {{memory: {{max_traces: {kept}}}}}
  jaeger_query:
    storage: {{traces: memory}}
    http: {{endpoint: "{query}"}}
    grpc: {{endpoint: "{query_grpc}"}}
  healthcheckv2:
    use_v2: true
    http: {{endpoint: "{health}"}}
receivers:
  otlp:
    protocols:
      http: {{endpoint: "{otlp}"}}
      grpc: {{endpoint: "{otlp_grpc}"}}
processors:
  batch: {{timeout: 50ms}}
exporters:
  jaeger_storage_exporter: {{trace_storage: memory}}
service:
  extensions: [jaeger_storage, jaeger_query, healthcheckv2]
  pipelines:
    traces: {{receivers: [otlp], processors: [batch], exporters: [jaeger_storage_exporter]}}
  telemetry:
    metrics:
      readers: [{{pull: {{exporter: {{prometheus: {{host: "{host}", port: {metrics}}}}}}}}}]
"""


def install(home: Home) -> Path:
    return home.installed("jaeger", [MODULE / "go.mod", MODULE / "go.sum"], _compile)


def _compile(folder: Path, log: Path) -> None:
    package = "github.com/jaegertracing/jaeger/cmd/jaeger"
    tools.build_with_go(package, module=MODULE, output=folder / "jaeger", log=log)


def launch(home: Home, installed: Path, ports: Ports, running: Running) -> Launch:
    configuration = home.data("jaeger") / "jaeger.yaml"
    addresses = {name: address(port) for name, port in ports.items() if name != "metrics"}
    text = CONFIGURATION.format(**addresses, host=HOST, metrics=ports["metrics"], kept=TRACES_KEPT)
    return Launch([str(installed / "jaeger"), "--config", str(configuration)], files={configuration: text})


def look(home: Home, ports: Ports) -> str:
    return f"curl http://{address(ports['query'])}/api/traces?service=pagestream"


def exports(home: Home, ports: Ports) -> Mapping[str, str]:
    otlp, query = f"http://{address(ports['otlp'])}", f"http://{address(ports['query'])}"
    return {
        "PAGESTREAM_TELEMETRY__OTLP_ENDPOINT": otlp,
        "PAGESTREAM_TEST_JAEGER_OTLP": otlp,
        "PAGESTREAM_TEST_JAEGER_QUERY": query,
        "PAGESTREAM_TEST_JAEGER_METRICS": f"http://{address(ports['metrics'])}/metrics",
    }


JAEGER = Service(
    name="jaeger",
    title="Jaeger 1.76 (v2)",
    usual_ports={
        "otlp": 14318,
        "otlp_grpc": 14317,
        "query": 16687,
        "query_grpc": 16688,
        "health": 14133,
        "metrics": 14888,
    },
    install=install,
    launch=launch,
    ready=lambda ports: answers(f"http://{address(ports['health'])}/status"),
    set_up=nothing_to_set_up,
    look=look,
    exports=exports,
)
