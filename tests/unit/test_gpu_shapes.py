"""Which shapes a GPU is given: known beforehand, few, and a function of the one item."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import settings
from pipeline.app import batch_policies
from pipeline.engines.shapes import (
    CROP_CLASSES,
    Profile,
    Runs,
    crop_profiles,
    padded_page,
    padded_width,
    page_profiles,
    runs_for,
    serving,
)
from pipeline.ocr.preprocess import CropShape, PageLimits, padded_crop_width, page_size
from pipeline.settings import load_settings

SHAPE = CropShape(height=48, widest=3200)
SIDES = st.integers(1, 12_000)
LIMITS = st.builds(PageLimits, side=st.integers(320, 4000), kind=st.sampled_from(["max", "min"]))


@given(SIDES, SIDES, LIMITS)
def test_every_page_is_within_a_known_shape(height: int, width: int, limits: PageLimits) -> None:
    """A page fits into its padded size, and that is among the sizes of the profile that serves it."""
    shown, padded = page_size(height, width, limits), padded_page(height, width, limits)
    profiles = page_profiles(limits, runs_for(limits))
    assert all(side <= room for side, room in zip(shown, padded, strict=True))
    assert padded in profiles[serving(profiles, padded)].sizes


@given(SIDES, SIDES)
def test_every_crop_is_within_a_known_shape(height: int, width: int) -> None:
    """A crop fits into its padded width, and that is among the sizes of the profile that serves it."""
    columns = padded_crop_width(height, width, SHAPE)
    padded, profiles = padded_width(columns), crop_profiles(SHAPE, Runs())
    assert columns <= padded
    assert (SHAPE.height, padded) in profiles[serving(profiles, (SHAPE.height, padded))].sizes


def test_a_profile_is_as_wide_as_what_is_sent() -> None:
    """The least and the most of a profile are sizes that occur: TensorRT is tuned for nothing else."""
    for profile in (*crop_profiles(SHAPE, Runs()), *page_profiles(PageLimits(), Runs())):
        assert {profile.least, profile.most} <= set(profile.sizes)


def test_profiles_do_not_overlap() -> None:
    """A width belongs to one profile, so that one engine computes it, always with the same number of crops."""
    widths = [width for profile in crop_profiles(SHAPE, Runs()) for _, width in profile.sizes]
    assert len(widths) == len(set(widths))
    assert widths == sorted(widths)


@given(st.integers(1, SHAPE.widest), st.integers(1, 64))
def test_a_run_of_any_width_costs_the_same(columns: int, crops: int) -> None:
    """As many crops as a run of this width holds cost as much as a run of the narrowest does, and never more."""
    runs = Runs(crops=crops)
    cost = runs.crops_in(columns) * runs.crop_cost(columns)
    assert cost <= crops
    assert cost + runs.crops_in(columns) > crops


def test_wide_runs_take_no_more_memory() -> None:
    """Wider crops come in smaller numbers: no run has more than twice the columns of the widest of the first class."""
    first = Runs().crops * CROP_CLASSES[0]
    for profile in crop_profiles(SHAPE, Runs()):
        assert profile.count * profile.most[1] <= 2 * first


@given(LIMITS)
def test_larger_pages_come_in_smaller_numbers(limits: PageLimits) -> None:
    """A run of pages has no more pixels than the usual one, however large pages are shown; one page there always is."""
    runs = runs_for(limits)
    ((count, (height, width)),) = ((profile.count, profile.most) for profile in page_profiles(limits, runs))
    assert count == runs.pages >= 1
    assert count == 1 or count * height * width <= Runs().pages * 960 * 960


@given(st.integers(1, SHAPE.widest))
def test_a_full_batch_is_one_run(columns: int) -> None:
    """The core closes a batch of crops when it fills a run, neither before nor after."""
    runs, policy = Runs(), batch_policies(load_settings(engine={"device": "cuda"}))["recognise"]
    held = runs.crops_in(columns)
    assert held <= policy.max_items
    assert held * runs.crop_cost(columns) == policy.max_cost


@pytest.mark.parametrize("side", [320, 960, 2000])
@pytest.mark.parametrize("engine", [{"device": "tensorrt"}, {"name": "batched"}])
def test_a_full_batch_of_pages_is_one_run(side: int, engine: dict[str, str]) -> None:
    """The same for pages, at any size that pages are shown with, and wherever full batches are run."""
    policy = batch_policies(load_settings(engine={**engine, "page_side": side}))["detect"]
    assert policy.max_items == policy.max_cost == runs_for(PageLimits(side=side)).pages


@pytest.mark.parametrize(
    ("cores", "engine", "lanes"),
    [
        (16, {}, 16),
        (16, {"device": "cuda"}, 8),
        (2, {"device": "tensorrt"}, 2),
        (16, {"device": "cuda", "name": "paddleocr"}, 1),
        (16, {"device": "cuda", "lanes": 3}, 3),
    ],
)
def test_lanes_follow_from_the_device(
    monkeypatch: pytest.MonkeyPatch, cores: int, engine: dict[str, object], lanes: int
) -> None:
    """A lane a core on a CPU; on a GPU no more than share it well, and one where lanes share nothing; or as set."""
    monkeypatch.setattr(settings, "cores", lambda: cores)
    assert load_settings(engine=engine).engine.lanes == lanes


def test_paddleocr_takes_items_one_by_one() -> None:
    """An engine without full batches has the small portions of a CPU, on a GPU too."""
    on_gpu, on_cpu = (load_settings(engine={"name": "paddleocr", "device": device}) for device in ("cuda", "cpu"))
    assert batch_policies(on_gpu) == batch_policies(on_cpu)


def test_a_size_no_profile_has_is_a_defect() -> None:
    """Nothing is run outside the profiles: TensorRT would build anew."""
    with pytest.raises(StopIteration):
        serving([Profile(1, ((48, 64),))], (48, 65))
