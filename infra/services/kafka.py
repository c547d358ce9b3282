"""Apache Kafka: one broker that is its own controller (KRaft), jars from Maven, topics by its own admin client."""

from __future__ import annotations

import base64
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from infra.services import tools, topics
from infra.services.home import PINS, Home
from infra.services.ports import Ports, listening
from infra.services.service import Launch, Running, Service, address

POM = PINS / "kafka" / "pom.xml"
HEAP_MIB = 512

LIGHT = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""It shares a few cores with the worker it serves: no second compilation of what runs for minutes, and one collector
thread."""

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{controller}
listeners=PLAINTEXT://{client},CONTROLLER://{controller}
advertised.listeners=PLAINTEXT://{client}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={logs}
message.max.bytes={largest}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
# One broker can keep one copy; few partitions of the internal topics make it start and stop faster.
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=4
"""

LOGGING = """\
rootLogger.level=INFO
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{ISO8601} %p %m (%c)%n
"""


def install(home: Home) -> Path:
    tools.java()
    return home.installed("kafka", [POM], _fetch_jars)


def _fetch_jars(folder: Path, log: Path) -> None:
    """54 MB, once; seconds."""
    shutil.copy(POM, folder)
    command = [tools.maven(), "--batch-mode", "--no-transfer-progress", "--strict-checksums"]
    command += ["dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs"]
    tools.run(command, folder=folder, log=log)


def launch(home: Home, installed: Path, ports: Ports, running: Running) -> Launch:
    folder = home.data("kafka")
    properties, logging, logs = folder / "server.properties", folder / "log4j2.properties", folder / "logs"
    client, controller = address(ports["client"]), address(ports["controller"])
    text = PROPERTIES.format(client=client, controller=controller, logs=logs, largest=topics.LARGEST_BYTES)
    java = [
        tools.java(),
        *LIGHT,
        f"-Xmx{HEAP_MIB}m",
        f"-Dlog4j2.configurationFile={logging}",
        "-cp",
        f"{installed}/libs/*",
    ]
    return Launch(
        [*java, "kafka.Kafka", str(properties)],
        files={properties: text, logging: LOGGING},
        first=() if (logs / "meta.properties").exists() else [*java, *_format(properties)],
    )


def _format(properties: Path) -> list[str]:
    """Give the empty log folder a cluster id, 16 random bytes in base64; KRaft starts with no other."""
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", f"--config={properties}"]


def set_up(home: Home, installed: Path, ports: Ports, running: Running) -> None:
    topics.create(address(ports["client"]), java=tools.java(), jars=installed / "libs", log=home.log("topics"))


def look(home: Home, ports: Ports) -> str:
    return f"topics {topics.DOCUMENTS}, ...; log: {home.log('kafka')}"


def exports(home: Home, ports: Ports) -> Mapping[str, str]:
    broker = address(ports["client"])
    return {"PAGESTREAM_KAFKA__BOOTSTRAP_SERVERS": broker, "PAGESTREAM_TEST_KAFKA": broker}


KAFKA = Service(
    name="kafka",
    title="Apache Kafka 4.1.1",
    usual_ports={"client": 19092, "controller": 19093},
    install=install,
    launch=launch,
    ready=lambda ports: listening(ports["client"]),
    set_up=set_up,
    look=look,
    exports=exports,
    deadline_s=120,
)
