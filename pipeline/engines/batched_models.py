"""What is made ready before a GPU engine can open: recipes, graphs prepared for it, and a session for each profile."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import onnxruntime as ort  # type: ignore[import-untyped]

from pipeline.errors import Fatal

from . import engine_cache
from .base import EngineSettings, ModelStamp, Precision
from .engine_cache import Built
from .gpu import Gpu, find_gpu, tensorrt_version
from .graph import IMAGE, detector_graph, levels_for, recogniser_graph
from .models import ROLES, WEIGHTS, model_directory
from .providers import build_options, cache_options
from .recipe import DetectionRecipe, RecognitionRecipe, detection_recipe, recognition_recipe
from .session import Session, open_session, require_device, stamp
from .shapes import Profile, Runs, crop_profiles, page_profiles


@dataclass(frozen=True, slots=True)
class Plan:
    """A model prepared for a GPU, and every shape it will be run with."""

    stamp: ModelStamp
    graph: bytes
    profiles: tuple[Profile, ...]


@dataclass(frozen=True, slots=True)
class Plans:
    """The models of an engine. `levels`: of the detector's map (see `graph.levels_for`)."""

    detector: Plan
    recogniser: Plan
    detection: DetectionRecipe
    recognition: RecognitionRecipe
    levels: float

    @property
    def stamps(self) -> tuple[ModelStamp, ...]:
        return self.detector.stamp, self.recogniser.stamp


@dataclass(frozen=True, slots=True)
class Place:
    """Where one engine lies in the cache, and how TensorRT is told of it."""

    folder: Path
    timing: Path
    options: dict[str, str]
    built: Built


def plans(settings: EngineSettings, runs: Runs) -> Plans:
    """Raises Fatal `models_missing`, `models_damaged`, `engine_unavailable`."""
    det, rec = (model_directory(settings.models, settings.profile, role) for role in ROLES)
    detection, recognition = detection_recipe(det), recognition_recipe(rec)
    precision: Precision = "f32" if settings.device == "tensorrt" else settings.precision  # TensorRT converts by itself
    levels = levels_for(detection.boxes.thresh)
    return Plans(
        Plan(
            stamp(det, detection.name, settings),
            detector_graph(det / WEIGHTS, detection.normalisation, precision=precision, levels=levels),
            page_profiles(settings.page, runs),
        ),
        Plan(
            stamp(rec, recognition.name, settings),
            recogniser_graph(
                rec / WEIGHTS,
                recognition.normalisation,
                precision=precision,
                alphabet=recognition.alphabet,
            ),
            crop_profiles(recognition.shape, runs),
        ),
        detection,
        recognition,
        levels,
    )


def open_profiles(plan: Plan, settings: EngineSettings) -> tuple[Session, ...]:
    """A session for each profile: one for all but with TensorRT. Raises Fatal, `engine_not_built` among it."""
    if settings.device != "tensorrt":
        return (open_session(plan.graph, settings),) * len(plan.profiles)
    found = places(plan, settings)
    for place in found:
        engine_cache.require_built(place.folder)
    return tuple(open_session(plan.graph, settings, tensorrt=place.options) for place in found)


def places(plan: Plan, settings: EngineSettings) -> list[Place]:
    """Where the engine of each profile belongs, for the GPU and the TensorRT that are here. Raises Fatal."""
    require_device(settings.device, settings.device_id)
    gpu, version = find_gpu(settings.device_id), tensorrt_version()
    if gpu is None or version is None or settings.cache is None:
        raise Fatal(
            "TensorRT's engines need a folder; set engine.cache_directory.", code="bad_settings", stage="engine"
        )
    return [_place(plan, profile, settings, settings.cache, gpu, version) for profile in plan.profiles]


def _place(plan: Plan, profile: Profile, settings: EngineSettings, root: Path, gpu: Gpu, version: str) -> Place:
    home, building = engine_cache.home_of(root, gpu, version), build_options(IMAGE, profile, settings.precision)
    folder = home / engine_cache.key(plan.graph, building, f"onnxruntime {ort.__version__}")
    timing = home / engine_cache.TIMING
    (low_height, low_width), (height, width) = profile.least, profile.most
    built = Built(
        gpu=gpu.name,
        capability=gpu.capability,
        tensorrt=version,
        runtime=f"onnxruntime {ort.__version__}",
        model=plan.stamp.name,
        sha256=plan.stamp.sha256,
        precision=settings.precision,
        shapes=f"{profile.count} x {low_height} x {low_width} to {height} x {width}",
    )
    return Place(folder, timing, building | cache_options(folder, timing), built)
