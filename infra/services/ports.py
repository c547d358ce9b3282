"""On which loopback ports does a service listen.

The usual ones are not the products' defaults, so that they never meet a user's own. One that is taken is replaced by
a free one, unless the environment asked for it.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from infra.services.failures import Failed

HOST = "127.0.0.1"

Ports = Mapping[str, int]


def choose(service: str, usual: Ports) -> dict[str, int]:
    return {name: _choose(f"PAGESTREAM_SERVICES_{service}_{name}".upper(), port) for name, port in usual.items()}


def listening(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex((HOST, port)) == 0


def _choose(variable: str, usual: int) -> int:
    asked = os.environ.get(variable)
    if asked is None:
        return usual if _free(usual) else _any()
    if not asked.isdecimal() or not 0 < int(asked) < 65536:
        raise Failed(f"{variable} must be a port number")
    if not _free(int(asked)):
        raise Failed(f"port {asked} ({variable}) is taken by another program")
    return int(asked)


def _free(port: int) -> bool:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((HOST, port))
        except OSError:
            return False
        return True


def _any() -> int:
    with socket.socket() as server:
        server.bind((HOST, 0))
        return int(server.getsockname()[1])
