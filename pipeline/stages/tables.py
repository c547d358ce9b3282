"""Tables to what the network makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.engines.base import Engine
from pipeline.ocr.tables.structure import Structure
from pipeline.stages.parts import TableCut, TableSeen


def tables(engine: Engine, cuts: Sequence[TableCut]) -> list[TableSeen]:
    """One answer a table, in order. Runs on the engine's own thread."""
    answers = engine.read_structure([cut.crop for cut in cuts])
    return [
        TableSeen(cut.region, tuple(_on_page(candidate, cut.origin) for candidate in candidates), cut.ruled)
        for cut, candidates in zip(cuts, answers, strict=True)
    ]


def _on_page(candidate: Structure, origin: tuple[float, float]) -> Structure:
    return replace(candidate, boxes=candidate.boxes + np.array(origin, np.float32))
