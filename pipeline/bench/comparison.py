"""A whole comparison: sides loaded, warmed up, measured in turn, and what there is to say of it as JSON."""

from __future__ import annotations

import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pipeline.bench.crew import Crew
from pipeline.bench.documents import Documents
from pipeline.bench.figures import Round, Spread, busy_share, cpu_ratio, ratios, spread, stage_seconds
from pipeline.bench.parity import Parity
from pipeline.bench.process import Remote
from pipeline.bench.rounds import Heard, alternate
from pipeline.bench.side import Kind, Several
from pipeline.settings import Settings

OURS, BARE, PIPELINE = "pagestream", "bare stage", "pipeline"
PADDLE, PADDLE_SAME_SIZE = "PaddleOCR", "PaddleOCR, same size"
PADDLE_PROCESSES = "PaddleOCR, one process a core"

VERSIONS = ("pagestream", "numpy", "onnxruntime", "opencv-python-headless", "paddleocr", "paddlex")


@dataclass(frozen=True, slots=True)
class Comparison:
    """`peaks_mb`: most resident memory of each side's processes together, MiB; the pipeline's with what sends its
    events and hears its outcomes."""

    documents: Documents
    rounds: Sequence[Round]
    peaks_mb: Mapping[str, float]

    @property
    def sides(self) -> list[str]:
        return list(self.peaks_mb)

    @property
    def subject(self) -> str:
        """The side that the others are compared with: the first."""
        return self.sides[0]

    @property
    def once(self) -> bool:
        """One round: a figure of it is neither a median nor a bound."""
        return len(self.rounds) == 1

    def ratio(self, over: str) -> Spread | None:
        return ratios(self.rounds, self.subject, over) if over in self.peaks_mb else None


Kinds = Mapping[str, Kind | Several]
"""Name of a side -> what to load for it, in a process of its own or in several."""


def compare_sides(kinds: Kinds, documents: Documents, *, repeat: int, heard: Heard) -> Comparison:
    """Raises what a side can't be loaded for, or what ended it."""
    with ExitStack() as stack:
        sides = [_opened(stack, name, kind) for name, kind in kinds.items()]
        for side in sides:
            side.begin_load()
        for side in sides:
            side.finish_load()
        for side in sides:
            side.warm_up(documents.warm_up)
        rounds = alternate(sides, documents.files, repeat=repeat, heard=heard)
        return Comparison(documents, rounds, {side.name: side.peak_mb for side in sides})


def _opened(stack: ExitStack, name: str, kind: Kind | Several) -> Remote | Crew:
    if isinstance(kind, Several):
        return stack.enter_context(Crew(name, kind))
    return stack.enter_context(Remote(name, kind))


def record(found: Comparison, parities: Mapping[str, Parity], told: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a program may want to know; what was not measured is null. `told`: the settings."""
    return {
        **(_of_pipeline(found) if found.subject == PIPELINE else _of_flow(found, parities)),
        "sides": {side: _side(found, side) for side in found.sides},
        "settings": {
            **told,
            "files": len(found.documents.files),
            "left_out": dict(Counter(found.documents.left_out.values())),
            "pages": found.documents.page_count,
            "lines": found.rounds[0][found.subject].lines,
            "repeat": len(found.rounds),
        },
    }


def _of_pipeline(found: Comparison) -> dict[str, Any]:
    share = found.ratio(BARE)
    return {
        "pipeline_images_per_s": spread(found.rounds, PIPELINE, lambda one: one.images_per_s).median,
        "bare_images_per_s": spread(found.rounds, BARE, lambda one: one.images_per_s).median,
        "pipeline_share_median": share and share.median,
        "pipeline_share_min": share and share.least,
        "pipeline_share_max": share and share.most,
        "peak_rss_mb": found.peaks_mb[PIPELINE],
    }


def _of_flow(found: Comparison, parities: Mapping[str, Parity]) -> dict[str, Any]:
    rounds = found.rounds
    sides = (PADDLE, PADDLE_SAME_SIZE, PADDLE_PROCESSES, BARE)
    ratio, same_size, processes, bare = (found.ratio(side) for side in sides)
    parity, parity_same_size = (parities.get(side) for side in (PADDLE, PADDLE_SAME_SIZE))
    return {
        "images_per_s": spread(rounds, OURS, lambda one: one.images_per_s).median,
        "lines_per_s": spread(rounds, OURS, lambda one: one.lines_per_s).median,
        "ratio_median": ratio and ratio.median,
        "ratio_min": ratio and ratio.least,
        "ratio_max": ratio and ratio.most,
        "ratio_same_size_median": same_size and same_size.median,
        "ratio_same_size_min": same_size and same_size.least,
        "ratio_same_size_max": same_size and same_size.most,
        "ratio_processes_median": processes and processes.median,
        "ratio_processes_min": processes and processes.least,
        "ratio_processes_max": processes and processes.most,
        "cpu_ratio_median": ratio and cpu_ratio(rounds, OURS, PADDLE),
        "cpu_ratio_same_size_median": same_size and cpu_ratio(rounds, OURS, PADDLE_SAME_SIZE),
        "cpu_ratio_processes_median": processes and cpu_ratio(rounds, OURS, PADDLE_PROCESSES),
        "bare_share_median": bare and bare.median,
        "bare_share_min": bare and bare.least,
        "text_agreement": parity and parity.same_text,
        "text_agreement_ignoring_spaces": parity and parity.same_but_spacing,
        "text_agreement_same_size": parity_same_size and parity_same_size.same_text,
        "polygon_iou_mean": parity and parity.iou,
        "confidence_difference_mean": parity and parity.confidence_difference,
        "differences": parity and parity.counts(),
        "peak_rss_mb": found.peaks_mb[OURS],
        "engine_busy_share": busy_share(rounds, OURS),
    }


def _side(found: Comparison, side: str) -> dict[str, Any]:
    first = found.rounds[0][side]
    return {
        "images_per_s": [one[side].images_per_s for one in found.rounds],
        "cpu_s_per_image": [one[side].cpu_per_image for one in found.rounds],
        "seconds": [one[side].seconds for one in found.rounds],
        "pages": first.pages,
        "lines": first.lines,
        "failed": dict(first.failed),
        "stage_seconds": stage_seconds(found.rounds, side),
        "engine_busy_share": busy_share(found.rounds, side),
        "peak_rss_mb": found.peaks_mb[side],
    }


def surroundings(settings: Settings) -> dict[str, Any]:
    """What a figure depends on besides the code."""
    engine = settings.engine
    return {
        "engine": engine.name,
        "profile": engine.profile,
        "device": engine.device,
        "precision": engine.precision,
        "lanes": engine.lanes,
        "page_side": engine.page_side,
        "decode_children": settings.decode.children,
        "dpi": settings.decode.dpi,
        "cpu_count": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in VERSIONS},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123
            return next((line.partition(":")[2].strip() for line in file if line.startswith("model name")), "")
    except OSError:
        return platform.processor()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
