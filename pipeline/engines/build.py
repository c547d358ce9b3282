"""How the engines that a GPU needs are built: by opening each session, and running every shape it will ever be given.

A command's work, for it takes minutes. An engine is said to be complete once all its shapes have run.
"""

from __future__ import annotations

from collections.abc import Iterator

from . import engine_cache
from .base import EngineSettings
from .batched_models import Place, Plan, Plans, places, plans
from .binding import staging
from .engine_cache import Work
from .graph import IMAGE
from .onnx_batched import crop_outputs, largest_run, page_outputs
from .session import Session, open_session, require_device
from .shapes import Profile, Runs, runs_for


def build(settings: EngineSettings, runs: Runs | None = None) -> Work:
    """Every session opened and every shape run on the device of the settings; with TensorRT, its engines put into the
    cache. `runs` as in `load_batched`.

    Raises Fatal when device or models are missing; as the work goes on, Retryable when a run fails, Environment when
    the cache can't be written, and Fatal when TensorRT leaves nothing there.
    """
    require_device(settings.device, settings.device_id)
    prepared = plans(settings, runs or runs_for(settings.page))
    profiles = (*prepared.detector.profiles, *prepared.recogniser.profiles)
    return Work(sum(1 + len(profile.sizes) for profile in profiles), _steps(prepared, settings))


def _steps(prepared: Plans, settings: EngineSettings) -> Iterator[str]:
    memory = staging(*largest_run(prepared), settings.device)
    for plan, outputs in ((prepared.detector, page_outputs), (prepared.recogniser, crop_outputs)):
        for profile, place in _placed(plan, settings):
            yield f"{plan.stamp.name}: opening, which may take minutes"
            session = _opened(plan, place, settings)
            for size in profile.sizes:
                batch = memory.batch((profile.count, *size, 3))
                yield f"{plan.stamp.name}: {profile.count} x {size[0]} x {size[1]}"
                batch[:] = 0
                memory.run(session, IMAGE, batch=batch, outputs=outputs(profile.count, size))
            if place is not None:
                engine_cache.record(place.folder, place.built)


def _placed(plan: Plan, settings: EngineSettings) -> Iterator[tuple[Profile, Place | None]]:
    if settings.device != "tensorrt":
        yield from ((profile, None) for profile in plan.profiles)
    else:
        yield from zip(plan.profiles, places(plan, settings), strict=True)


def _opened(plan: Plan, place: Place | None, settings: EngineSettings) -> Session:
    if place is None:
        return open_session(plan.graph, settings)
    engine_cache.make(place.folder)
    engine_cache.make_timing(place.timing)
    return open_session(plan.graph, settings, tensorrt=place.options)
