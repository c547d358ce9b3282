"""MinIO, an S3-compatible store: compiled from its last public source; tells Kafka of each new object."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from infra.services import buckets, tools, topics
from infra.services.home import PINS, Home
from infra.services.ports import Ports
from infra.services.service import Launch, Running, Service, address, answers

MODULE = PINS / "minio"


def install(home: Home) -> Path:
    return home.installed("minio", [MODULE / "go.mod", MODULE / "go.sum"], _compile)


def _compile(folder: Path, log: Path) -> None:
    tools.build_with_go("github.com/minio/minio", module=MODULE, output=folder / "minio", log=log)


def launch(home: Home, installed: Path, ports: Ports, running: Running) -> Launch:
    environment = {
        "MINIO_ROOT_USER": home.secret("access-key").read_text(),
        "MINIO_ROOT_PASSWORD": home.secret("secret-key").read_text(),
        "MINIO_UPDATE": "off",
        "MINIO_PROMETHEUS_AUTH_TYPE": "public",
    }
    if "kafka" in running:
        environment |= {
            f"MINIO_NOTIFY_KAFKA_ENABLE_{buckets.TARGET}": "on",
            f"MINIO_NOTIFY_KAFKA_BROKERS_{buckets.TARGET}": address(running["kafka"]["client"]),
            f"MINIO_NOTIFY_KAFKA_TOPIC_{buckets.TARGET}": topics.DOCUMENTS,
            "MINIO_API_SYNC_EVENTS": "on",
        }
    folder = home.data("minio")
    command = [str(installed / "minio"), "server", str(folder), "--address", address(ports["api"])]
    return Launch([*command, "--console-address", address(ports["console"])], environment)


def set_up(home: Home, installed: Path, ports: Ports, running: Running) -> None:
    keys = home.secret("access-key").read_text(), home.secret("secret-key").read_text()
    buckets.create(address(ports["api"]), keys=keys, notify="kafka" in running)


def look(home: Home, ports: Ports) -> str:
    return f"http://{address(ports['console'])} in a browser; keys: {home.secret('access-key').parent}"


def exports(home: Home, ports: Ports) -> Mapping[str, str]:
    access, secret, endpoint = home.secret("access-key"), home.secret("secret-key"), f"http://{address(ports['api'])}"
    return {
        "PAGESTREAM_STORE__ENDPOINT": endpoint,
        "PAGESTREAM_STORE__ACCESS_KEY_FILE": str(access),
        "PAGESTREAM_STORE__SECRET_KEY_FILE": str(secret),
        "PAGESTREAM_TEST_STORE": endpoint,
        "PAGESTREAM_TEST_STORE_ACCESS_KEY": access.read_text(),
        "PAGESTREAM_TEST_STORE_SECRET_KEY": secret.read_text(),
    }


MINIO = Service(
    name="minio",
    title="MinIO (S3-compatible)",
    usual_ports={"api": 19000, "console": 19001},
    install=install,
    launch=launch,
    ready=lambda ports: answers(f"http://{address(ports['api'])}/minio/health/ready"),
    set_up=set_up,
    look=look,
    exports=exports,
)
