"""The sample documents: drawn alike every time, and saying what they claim to say."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader

from pipeline.decode.formats import sniff
from pipeline.errors import Rejected
from pipeline.samples import receipt
from pipeline.samples.collection import Sample, gauge_report, letter, readable, till_receipt, torn
from pipeline.samples.events import sample_events
from schemas.inbound import Refused, Submitted, read_event


@pytest.mark.parametrize("draw", [letter, till_receipt, gauge_report, torn])
def test_a_sample_is_drawn_alike_every_time(draw):
    """Two drawings are equal, byte for byte."""
    assert draw() == draw()


@pytest.mark.parametrize("sample", readable(), ids=lambda sample: sample.key)
def test_a_sample_is_of_the_type_it_says(sample: Sample):
    """The bytes are of the format that the sample's type names."""
    assert sniff(sample.body) == sample.content_type


def test_samples_keep_to_the_signs_of_their_face():
    """Nothing but ASCII is written: the face that Pillow carries has little more."""
    assert all(line.isascii() for sample in readable() for page in sample.pages for line in page)


def test_the_receipt_adds_up():
    """The total printed is the sum of the prices printed above it."""
    (page,) = till_receipt().pages
    prices = [round(float(price) * 100) for price in page[4 : 4 + 2 * len(receipt.ITEMS) : 2]]
    total = page[page.index("TOTAL") + 2]
    assert sum(prices) == receipt.total() == round(float(total) * 100)


def test_the_report_is_text_and_no_picture():
    """Another PDF reader finds the same pages with the same words, and no image on them."""
    sample = gauge_report()
    reader = PdfReader(io.BytesIO(sample.body), strict=True)
    assert [page.extract_text().split() for page in reader.pages] == [" ".join(page).split() for page in sample.pages]
    assert [list(page.images) for page in reader.pages] == [[], []]


def test_events_name_the_samples():
    """Four events name the object that holds their sample; the fifth is refused for what it is."""
    *named, last = sample_events("inbox")
    for event in named:
        (entry,) = read_event(event.value, ()).documents
        assert isinstance(entry, Submitted)
        assert (entry.event.bucket, entry.event.key) == ("inbox", event.sample.key)
        assert entry.event.size == len(event.sample.body)
    (refused,) = read_event(last.value, ()).documents
    assert isinstance(refused, Refused)
    assert (refused.code, last.sample) == (last.ends, None)


def test_the_torn_scan_begins_like_a_picture():
    """It is refused for being cut short, not for being something else."""
    assert sniff(torn().body) == "image/png"
    with pytest.raises(Rejected):
        sniff(b"\0" + torn().body)
