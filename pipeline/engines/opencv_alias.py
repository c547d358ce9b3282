"""Lets PaddleX take the OpenCV that is there, when that is the build without windows.

PaddleX asks for the distribution `opencv-contrib-python` by name, which needs the system's OpenGL library. The headless
build has all that text detection and recognition use, under the same import name `cv2`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import metadata

_ASKED = "opencv-contrib-python"
_HEADLESS = ("opencv-contrib-python-headless", "opencv-python-headless", "opencv-python")


class _Alias(metadata.DistributionFinder):
    """Answers for one distribution name with another distribution that is installed."""

    def __init__(self, distribution: metadata.Distribution) -> None:
        self._distribution = distribution

    def find_spec(self, *_: object) -> None:
        """Finds no modules."""

    def find_distributions(
        self, context: metadata.DistributionFinder.Context | None = None
    ) -> Iterable[metadata.Distribution]:
        asked = getattr(context, "name", None)
        return [self._distribution] if asked is not None and asked.replace("_", "-").lower() == _ASKED else []


def accept_headless_opencv() -> None:
    """Present the installed OpenCV under the name PaddleX asks for, unless that is installed itself."""
    if _installed(_ASKED) is None:
        found = next((d for d in map(_installed, _HEADLESS) if d is not None), None)
        if found is not None:
            sys.meta_path.append(_Alias(found))


def _installed(name: str) -> metadata.Distribution | None:
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
