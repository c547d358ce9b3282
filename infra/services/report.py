"""What does a user see at the end: which service is where, how to look at it, how to point a worker at it."""

from __future__ import annotations

from infra.services.home import Home
from infra.services.ports import HOST
from infra.services.say import say
from infra.services.stack import SERVICES, exports, running


def table(home: Home) -> None:
    alive = running(home)
    if not alive:
        say("No service runs. Start them with `make up`.")
        return
    say("")
    rows = [("service", "address", "how to look at it")]
    for name, ports in alive.items():
        rows.append((SERVICES[name].title, f"{HOST}:{next(iter(ports.values()))}", SERVICES[name].look(home, ports)))
    widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
    for service, address, look in rows:
        say(f"{service:<{widths[0]}}  {address:<{widths[1]}}  {look}")


def environment(home: Home) -> None:
    """The lines for a worker; those for the tests stand in the file as well."""
    lines = [f"export {name}={value}" for name, value in exports(home).items() if "_TEST_" not in name]
    if lines:
        say("\n".join(["", f"Point a worker at them with `source {home.environment}`, which holds:", *lines]))
