"""How often a table network is asked. The networks here answer what they are told."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest

from pipeline.engines.base import TableCrop
from pipeline.engines.structure import StructureModels
from tests.unit.table_answers import Box, quads, structure

TEXT: list[Box] = [(100 * c + 10, 30 * r + 5, 100 * c + 70, 30 * r + 25) for r in range(3) for c in range(3)]


def asked(columns: int, score: float, lines: list[Box]) -> int:
    """How many answers come of a table whose network sees three rows of `columns`."""
    wide = [(300 / columns * c, 30 * r, 300 / columns * (c + 1), 30 * r + 30) for r in range(3) for c in range(columns)]
    answer = structure([[""] * columns] * 3, cast(list[Box], wide), score)
    networks: Any = {role: lambda _crop, _share: answer for role in ("slanet-plus", "slanet-1m")}
    nothing: Any = None
    models = StructureModels(nothing, nothing, networks, ())
    crop = TableCrop(np.full((100, 310, 3), 255, np.uint8), (0, 0, 300, 90), quads(lines))
    return len(models.read(crop))


@pytest.mark.parametrize(
    ("columns", "score", "lines", "answers"),
    [(3, 0.95, TEXT, 1), (3, 0.5, TEXT, 4), (2, 0.95, TEXT, 4), (2, 0.95, [], 1)],
    ids=["sure, and right", "unsure", "sure, and two columns are one", "sure, and nothing to hold it against"],
)
def test_a_network_is_asked_again_where_it_is_unsure_or_the_text_says_no(
    columns: int, score: float, lines: list[Box], answers: int
) -> None:
    """However sure a network is of a table, the lines that stand there may tell that it is wrong."""
    assert asked(columns, score, lines) == answers
