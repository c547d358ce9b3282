"""The other side: PaddleOCR as its users run it, one file after the other.

The same model files, its own decoding, orientation and unwarping models left out (ours has none either). `page_side`
None is PaddleOCR as it comes; a number limits the longer side its detector sees, as ours does.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipeline.bench.side import Files, Pass, Tell
from pipeline.engines.models import ROLES, model_directory
from pipeline.engines.opencv_alias import accept_headless_opencv
from pipeline.engines.recipe import detection_recipe, recognition_recipe
from pipeline.errors import Fatal
from pipeline.ocr.agreement import ReadLine, ReadPage

SUFFIXES = frozenset({".bmp", ".jpeg", ".jpg", ".pdf", ".png", ".tif", ".tiff", ".webp"})
"""What both sides read. PaddleOCR goes by the name of a file, ours by its bytes."""


@dataclass(frozen=True, slots=True)
class PaddleKind:
    """`models` is the directory of the profiles. `threads`: of a session, and of OpenCV; None is their default."""

    models: Path
    profile: str
    page_side: int | None = None
    threads: int | None = None

    def load(self) -> PaddleSide:
        return PaddleSide(_pipeline(self))


@dataclass(frozen=True, slots=True)
class PaddleSide:
    pipeline: Any

    def run(self, files: Files, tell: Tell) -> Pass:
        answers: dict[str, list[_Answer]] = {}
        failed: dict[str, str] = {}
        began = time.perf_counter()
        for name, path in files.items():
            try:
                answers[name] = [_kept(one, tell) for one in self.pipeline.predict_iter(str(path))]
            except Exception:  # it has no root of its own, from bad file to bad page
                failed[name] = "paddleocr_failed"
        seconds = time.perf_counter() - began
        readings = {name: tuple(_read_page(one) for one in pages) for name, pages in answers.items()}
        return Pass(
            seconds=seconds,
            pages=sum(len(pages) for pages in readings.values()),
            lines=sum(len(page.lines) for pages in readings.values() for page in pages),
            failed=failed,
            readings=readings,
        )

    def close(self) -> None:
        self.pipeline.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What is kept of PaddleOCR's answer for a page, which holds the page's pixels too."""

    width: int
    height: int
    texts: list[str]
    scores: list[float]
    polygons: list[Any]


def require_paddleocr() -> None:
    """Raises Fatal where it is not installed: a comparison is never left out unseen."""
    if importlib.util.find_spec("paddleocr") is None:
        raise Fatal(
            "PaddleOCR is not installed; run `make paddle` in the clone, or compare with `--against none`.",
            code="engine_unavailable",
            stage="bench",
        )


def reads(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES


def _pipeline(kind: PaddleKind) -> Any:
    require_paddleocr()
    det, rec = (model_directory(kind.models, kind.profile, role) for role in ROLES)
    os.environ.setdefault("PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK", "True")  # it would look for download sites
    accept_headless_opencv()
    try:
        from paddleocr import PaddleOCR  # type: ignore[import-not-found,unused-ignore]

        return PaddleOCR(
            text_detection_model_name=detection_recipe(det).name,
            text_detection_model_dir=str(det),
            text_recognition_model_name=recognition_recipe(rec).name,
            text_recognition_model_dir=str(rec),
            use_doc_orientation_classify=False,
            use_doc_unwarping=False,
            use_textline_orientation=False,
            engine="onnxruntime",
            device="cpu",
            **_limits(kind),
        )
    except Exception as error:
        message = "PaddleOCR can't be loaded; run `make paddle` in the clone again."
        raise Fatal(message, code="engine_unavailable", stage="bench") from error


def _limits(kind: PaddleKind) -> dict[str, Any]:
    """Where it is not as it comes."""
    limits: dict[str, Any] = {}
    if kind.page_side is not None:
        limits |= {"text_det_limit_side_len": kind.page_side, "text_det_limit_type": "max"}
    if kind.threads is not None:
        cv2.setNumThreads(kind.threads)
        limits |= {"engine_config": {"intra_op_num_threads": kind.threads}}
    return limits


def _kept(answer: Any, tell: Tell) -> _Answer:
    tell(1)
    height, width = answer["doc_preprocessor_res"]["output_img"].shape[:2]
    scores = [float(score) for score in answer["rec_scores"]]
    return _Answer(int(width), int(height), list(answer["rec_texts"]), scores, list(answer["rec_polys"]))


def _read_page(answer: _Answer) -> ReadPage:
    return ReadPage(answer.width, answer.height, tuple(_lines(answer)))


def _lines(answer: _Answer) -> Iterator[ReadLine]:
    for text, score, polygon in zip(answer.texts, answer.scores, answer.polygons, strict=True):
        if text.strip():
            yield ReadLine(text, np.asarray(polygon, np.float32).reshape(-1, 2), score)
