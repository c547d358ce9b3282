"""How a batch gets to the device and its answer back: through memory of the lane's own, bound to each run.

The memory is taken once, as large as the largest run, so it is bounded whatever shapes come; for a GPU it is
page-locked, so that copies go straight to the device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from pipeline.errors import Retryable

from .base import Device
from .gpu import page_locked
from .session import Session

ALIGNED = 64
"""Bytes; every output begins at a multiple."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a model for one shape of input."""

    name: str
    shape: tuple[int, ...]
    dtype: DTypeLike

    @property
    def size(self) -> int:
        """Bytes, up to the next beginning of an output."""
        return -(-prod(self.shape) * np.dtype(self.dtype).itemsize // ALIGNED) * ALIGNED


@dataclass(frozen=True, slots=True, eq=False)
class Staging:
    """Host memory of one lane. What `batch` and `run` give lives until the next call of the same."""

    inward: NDArray[np.uint8]
    outward: NDArray[np.uint8]

    def batch(self, shape: tuple[int, ...]) -> NDArray[np.uint8]:
        """An input to be filled; it holds what was in it last."""
        return self.inward[: prod(shape)].reshape(shape)

    def run(
        self, session: Session, name: str, *, batch: NDArray[np.uint8], outputs: Sequence[Output]
    ) -> list[NDArray[Any]]:
        """The outputs, in the order asked for, of a model with one input, `name`. `batch` is what `batch` gave.

        Raises Retryable `engine_failed`.
        """
        answers = self._places(outputs)
        try:
            binding = session.io_binding()
            binding.bind_input(name, "cpu", 0, np.uint8, batch.shape, batch.ctypes.data)
            for output, answer in zip(outputs, answers, strict=True):
                binding.bind_output(output.name, "cpu", 0, output.dtype, output.shape, answer.ctypes.data)
            session.run_with_iobinding(binding)
            binding.synchronize_outputs()
        except Exception as error:  # onnxruntime's errors share no root of their own
            raise Retryable("A model failed on a batch.", code="engine_failed", stage="engine") from error
        return answers

    def _places(self, outputs: Sequence[Output]) -> list[NDArray[Any]]:
        answers, start = [], 0
        for output in outputs:
            place = self.outward[start : start + prod(output.shape) * np.dtype(output.dtype).itemsize]
            answers.append(place.view(output.dtype).reshape(output.shape))
            start += output.size
        return answers


def staging(inward: int, outward: int, device: Device) -> Staging:
    """`inward` and `outward` in bytes. Raises Fatal where a GPU's runtime gives none."""
    take = _plain if device == "cpu" else page_locked
    return Staging(take(inward), take(outward))


def _plain(size: int) -> NDArray[np.uint8]:
    return np.zeros(size, np.uint8)
