"""When are all parts of a whole in? Crops make a page, pages make a document."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class Gather(Generic[T]):
    """Collects one result for each of `size` places. The first result for a place wins."""

    def __init__(self, size: int) -> None:
        self._parts: list[T | None] = [None] * size
        self._missing = size

    @property
    def complete(self) -> bool:
        return self._missing == 0

    def put(self, place: int, part: T) -> bool:
        """Returns whether the place was still empty."""
        if self._parts[place] is not None:
            return False
        self._parts[place] = part
        self._missing -= 1
        return True

    def whole(self) -> tuple[T, ...]:
        """All parts in the order of their places. Only once complete."""
        if not self.complete:
            raise ValueError("The whole was asked for before all its parts were in. This is a bug.")
        return tuple(part for part in self._parts if part is not None)
