"""What a model's own `inference.yml` says about feeding it and reading its answer.

The file is PaddleOCR's: transforms under `PreProcess.transform_ops`, thresholds or the dictionary under `PostProcess`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import Fatal
from pipeline.ocr.boxes import BoxRules
from pipeline.ocr.preprocess import CropShape, Normalisation
from pipeline.ocr.text.alphabet import Alphabet

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # a dictionary of 18 708 signs: 0.06 s instead of 0.4 s

_CROP_NORMALISATION = Normalisation(1 / 255, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""Part of what PaddleOCR's `RecResizeImg` does; the file has no field for it."""

_WIDEST_CROP = 3200
"""PaddleOCR's own ceiling, for files that name no largest shape."""


@dataclass(frozen=True, slots=True)
class DetectionRecipe:
    """Feeding and reading a text detector."""

    name: str
    normalisation: Normalisation
    boxes: BoxRules


@dataclass(frozen=True, slots=True)
class RecognitionRecipe:
    """Feeding and reading a text recogniser."""

    name: str
    shape: CropShape
    normalisation: Normalisation
    alphabet: Alphabet


def detection_recipe(directory: Path) -> DetectionRecipe:
    """Read `directory/inference.yml` of a DB detector. Raises Fatal `models_damaged`."""
    settings = _read(directory / "inference.yml")
    try:
        steps, after = _steps(settings), settings["PostProcess"]
        _expect(after["name"] == "DBPostProcess" and steps["DecodeImage"]["img_mode"] == "BGR")
        normalise = steps["NormalizeImage"]
        return DetectionRecipe(
            name=settings["Global"]["model_name"],
            normalisation=Normalisation(
                scale=_scale(normalise["scale"]), mean=_three(normalise["mean"]), std=_three(normalise["std"])
            ),
            boxes=BoxRules(
                thresh=float(after["thresh"]),
                box_thresh=float(after["box_thresh"]),
                unclip_ratio=float(after["unclip_ratio"]),
                max_candidates=int(after["max_candidates"]),
            ),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise _unreadable() from error


def recognition_recipe(directory: Path) -> RecognitionRecipe:
    """Read `directory/inference.yml` of a CTC recogniser. Raises Fatal `models_damaged`."""
    settings = _read(directory / "inference.yml")
    try:
        steps, after = _steps(settings), settings["PostProcess"]
        _expect(after["name"] == "CTCLabelDecode" and steps["DecodeImage"]["img_mode"] == "BGR")
        _, height, _ = steps["RecResizeImg"]["image_shape"]
        return RecognitionRecipe(
            name=settings["Global"]["model_name"],
            shape=CropShape(height=int(height), widest=_widest(settings)),
            normalisation=_CROP_NORMALISATION,
            alphabet=Alphabet.of([str(sign) for sign in after["character_dict"]]),
        )
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise _unreadable() from error


def _read(path: Path) -> dict[str, Any]:
    try:
        settings = yaml.load(path.read_text("utf-8"), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unreadable() from error
    if not isinstance(settings, dict):
        raise _unreadable()
    return settings


def _steps(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Transform name -> its arguments."""
    return {name: arguments for step in settings["PreProcess"]["transform_ops"] for name, arguments in step.items()}


def _widest(settings: Mapping[str, Any]) -> int:
    """The largest width the model was published for: the last of its (smallest, usual, largest) shapes."""
    try:
        shapes = settings["Hpi"]["backend_configs"]["paddle_infer"]["trt_dynamic_shapes"]["x"]
        return int(shapes[-1][-1])
    except (KeyError, IndexError, TypeError):
        return _WIDEST_CROP


def _scale(value: object) -> float:
    """`1./255.` is written as text in the file."""
    first, *divisors = (float(part) for part in str(value).split("/"))
    return first / math.prod(divisors)


def _three(values: object) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)  # type: ignore[attr-defined]
    return first, second, third


def _expect(holds: bool) -> None:
    if not holds:
        raise ValueError("not a model this engine knows how to feed")


def _unreadable() -> Fatal:
    return Fatal(
        "A model's inference.yml can't be read as PaddleOCR's; run `pagestream models verify`.",
        code="models_damaged",
        stage="engine",
    )
