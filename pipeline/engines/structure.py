"""What is on a page besides its text: which way up it stands, its layout, its tables. The same for all text models.

One item a run, f32, on the device of the text models; TensorRT can't build the loop of a table network, so with it all
of these run on CUDA. Sessions are shared by all lanes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.errors import Fatal
from pipeline.ocr.layout import STRIDES, Region, find_regions, layout_tensor
from pipeline.ocr.orientation import Turn, is_upright, middle_tensor, turn_of, whole_tensor
from pipeline.ocr.slanet import BoxesIn, cut, is_sure, structure_of, table_tensor, vocabulary
from pipeline.ocr.tables.structure import Structure
from pipeline.ocr.tables.table import contradicted

from .base import Bucket, EngineSettings, Image, ModelStamp, TableCrop
from .layout_graph import layout_graph
from .models import WEIGHTS, StructureRole, structure_directory
from .session import Session, open_session, run_one, stamp

_FRAMES: dict[StructureRole, BoxesIn] = {"slanet-plus": "square", "slanet-1m": "image"}
"""Found by drawing boxes over tables that are not square."""

_ATTEMPTS: tuple[tuple[StructureRole, float], ...] = (
    ("slanet-plus", 0.015), ("slanet-plus", 0.01), ("slanet-plus", 0.02), ("slanet-1m", 0.0),
)  # fmt: skip
"""Network, and share of the text's longer side left around it: where each is best alone. TEDS of the structure of 33
tables, `slanet-plus`: 0.946 at 0, 0.955 at 0.005, 0.960 from 0.01 to 0.025, 0.933 at 0.03; `slanet-1m`: 0.954 at 0, at
most 0.949 above. Where one of these four is chosen by the lines upon it: 0.964."""


@dataclass(frozen=True, slots=True)
class TableNetwork:
    """A network that writes tables. Safe to share between threads."""

    session: Session
    tokens: tuple[str, ...]
    frame: BoxesIn

    def __call__(self, crop: TableCrop, share: float) -> Structure:
        table, (left, top) = cut(crop.image, crop.text_box, share)
        boxes, probabilities = run_one(self.session, table_tensor(table))
        height, width = table.shape[:2]
        found = structure_of(probabilities, boxes, self.tokens, frame=self.frame, height=height, width=width)
        return replace(found, boxes=found.boxes + np.array([left, top], np.float32))


@dataclass(frozen=True, slots=True)
class StructureModels:
    """All models of this kind, opened. Safe to share between threads."""

    orientation: Session
    layout: Session
    tables: dict[StructureRole, TableNetwork]
    models: tuple[ModelStamp, ...]

    def orient(self, page: Image) -> Turn:
        """By the whole page and, unless that settles it, by its middle as well."""
        (whole,) = run_one(self.orientation, whole_tensor(page))
        if is_upright(whole):
            return turn_of(whole)
        (middle,) = run_one(self.orientation, middle_tensor(page))
        return turn_of((whole + middle) / 2)

    def lay_out(self, page: Image) -> tuple[Region, ...]:
        heads = run_one(self.layout, layout_tensor(page))
        scores, sides = heads[: len(STRIDES)], heads[len(STRIDES) :]
        return find_regions(scores, sides, height=page.shape[0], width=page.shape[1])

    def read(self, crop: TableCrop) -> tuple[Structure, ...]:
        """The first answer alone where it is sure, and nothing in the text speaks against it, as with most; otherwise
        all."""
        (role, share), *others = _ATTEMPTS
        first = self.tables[role](crop, share)
        if is_sure(first) and not contradicted(first, crop.lines):
            return (first,)
        return (first, *(self.tables[role](crop, share) for role, share in others))


@dataclass(frozen=True, slots=True)
class SeesStructure:
    """What engines have in common that hold `StructureModels`: their part of an `Engine` that is not about text."""

    structure: StructureModels

    def table_bucket(self, height: int, width: int) -> Bucket:
        """Every table is shown at one size."""
        del height, width
        return Bucket("table", 1)

    def orient(self, pages: Sequence[Image]) -> list[Turn]:
        return [self.structure.orient(page) for page in pages]

    def lay_out(self, pages: Sequence[Image]) -> list[tuple[Region, ...]]:
        return [self.structure.lay_out(page) for page in pages]

    def read_structure(self, crops: Sequence[TableCrop]) -> list[tuple[Structure, ...]]:
        return [self.structure.read(crop) for crop in crops]


def load_structure(settings: EngineSettings) -> StructureModels:
    """Raises Fatal: `models_missing`, `models_damaged`, `engine_unavailable`."""
    settings = replace(settings, precision="f32", device="cpu" if settings.device == "cpu" else "cuda")
    roles: tuple[StructureRole, ...] = ("orientation", "layout", *_FRAMES)
    homes = {role: structure_directory(settings.models, role) for role in roles}
    return StructureModels(
        open_session(homes["orientation"] / WEIGHTS, settings),
        open_session(layout_graph(homes["layout"] / WEIGHTS), settings),
        {role: _table_network(homes[role] / WEIGHTS, frame, settings) for role, frame in _FRAMES.items()},
        tuple(stamp(home, role, settings) for role, home in homes.items()),
    )


def _table_network(model: Path, frame: BoxesIn, settings: EngineSettings) -> TableNetwork:
    session = open_session(model, settings)
    tokens = vocabulary(session.get_modelmeta().custom_metadata_map.get("character", ""))
    if session.get_outputs()[-1].shape[-1] != len(tokens):
        raise Fatal(
            "A table network's file doesn't name its tokens; run `pagestream models verify`.",
            code="models_damaged",
            stage="engine",
        )
    return TableNetwork(session, tokens, frame)
