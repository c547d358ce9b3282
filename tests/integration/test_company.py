"""What a document's result may depend on: its bytes, the options, the models. Not on what was read beside it."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from connectors.memory_store import MemoryStore
from pipeline.app import load_engines
from pipeline.local_worker import DOCUMENTS, RESULTS, LocalWorker, local_settings, outcomes
from pipeline.samples.collection import Sample, readable
from pipeline.settings import Settings
from schemas.events import Options
from schemas.objects import ObjectRef
from schemas.results import DocumentCompleted

PATIENCE_S = 90.0


@pytest.fixture
def settings(models_directory: Path) -> Settings:
    return local_settings(engine={"models_directory": models_directory, "lanes": 2})


def results(settings: Settings, samples: Sequence[Sample]) -> dict[str, bytes]:
    """Key -> the result object, of samples submitted in this order to one worker."""
    store = MemoryStore()
    for bucket in (DOCUMENTS, RESULTS):
        store.create_bucket(bucket)
    for sample in samples:
        store.put(DOCUMENTS, sample.key, sample.body, content_type=sample.content_type, deadline_s=1)
    found: dict[str, bytes] = {}
    until = time.monotonic() + PATIENCE_S
    with LocalWorker(settings, store=store, engines=load_engines(settings)) as worker:
        for key, outcome in outcomes(worker, [sample.key for sample in samples], Options(), most=len(samples)):
            assert isinstance(outcome, DocumentCompleted)
            place = ObjectRef(outcome.result.bucket, outcome.result.key)
            _, found[key] = store.get(place, max_bytes=outcome.result.size, deadline_s=1)
            assert time.monotonic() < until
    return found


@pytest.mark.models
def test_company_changes_no_byte_of_a_result(settings: Settings) -> None:
    """A document read alone, among others, and among them in another order, has one result, byte for byte."""
    samples = list(readable())
    among = results(settings, samples)
    shuffled = results(settings, random.Random(5).sample(samples, len(samples)))
    alone = {key: body for sample in samples for key, body in results(settings, [sample]).items()}
    assert among == shuffled == alone
    assert len(among) == len(samples)
