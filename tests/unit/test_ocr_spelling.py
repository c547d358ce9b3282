"""What lines say once their whole page is read."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text import dictionary, neighbours
from pipeline.ocr.text.dictionary import by_dictionary, english_words, is_english
from pipeline.ocr.text.doubts import Doubt
from pipeline.ocr.text.neighbours import by_neighbours, has_amounts
from pipeline.ocr.text.reading import Reading
from pipeline.ocr.text.spelling import LEGIBLE, respell

ENGLISH = "thank you for your payment"
WORDS = frozenset({"total", "local", "item", "amount"})


def doubted(text: str, sign: str, *others: str, share: float = 0.25) -> list[Doubt]:
    """The first such sign of a text may be one of others, each less likely than the one before."""
    return [Doubt(text.index(sign), 0.5, tuple((other, share / 2**n) for n, other in enumerate(others)))]


@pytest.mark.parametrize(
    ("text", "sign", "others", "said"),
    [
        ("Tota1 RM9", "1", "lI", "Total RM9"),
        ("TO1AL", "1", "T", "TOTAL"),
        ("J1n 3", "1", "lI", "Jln 3"),
        ("(0lio)", "0", "O", "(Olio)"),
        ("No1.", "1", "l", "Nol."),
        ("2O18", "O", "0", "2018"),
        ("1O.50", "O", "0", "10.50"),
        ("3.O0", "O", "C0", "3.00"),
    ],
)
def test_a_sign_is_of_the_kind_of_its_neighbours(text: str, sign: str, others: str, said: str) -> None:
    """A digit in a word is the likeliest letter, a letter in a number the likeliest digit."""
    assert by_neighbours(text, doubted(text, sign, *others), amounts=False) == said


@pytest.mark.parametrize(
    ("text", "sign", "other"),
    [
        ("RM10", "1", "I"),
        ("RM0.50", "0", "O"),
        ("B12", "B", "8"),
        ("118B", "B", "8"),
        ("2x", "x", "1"),
        ("15l", "l", "1"),
        ("1.5l", "l", "1"),
        ("5l of 3.l", "l", "1"),
        ("A1", "1", "I"),
        ("a 1 b", "1", "l"),
        ("Tota1", "1", "7"),
        ("2O18", "O", "Q"),
    ],
)
def test_what_neighbours_leave_open_stays(text: str, sign: str, other: str) -> None:
    """Codes, prices, sizes and single signs have both kinds; a sign that is of the right kind stays."""
    assert by_neighbours(text, doubted(text, sign, other), amounts=False) == text


def test_among_amounts_the_last_place_is_a_digit() -> None:
    """Where numbers have two places, a letter that ends one of them is a digit; where they have not, it is a unit."""
    assert by_neighbours("3.5O", doubted("3.5O", "O", "0"), amounts=True) == "3.50"
    assert by_neighbours("3.5O", doubted("3.5O", "O", "0"), amounts=False) == "3.5O"
    assert by_neighbours("3.5OL", doubted("3.5OL", "O", "0"), amounts=True) == "3.5OL"
    assert has_amounts(["pen 1.20", "0,50 ink", "3.5"])
    assert has_amounts(["1.25, 1.5"])
    assert not has_amounts(["1.5 m", "2.25", "3.1"])
    assert not has_amounts(["10", "192.168.10.25.1"])


def test_neighbours_need_some_doubt() -> None:
    """A sign that was `neighbours.ODDS` times likelier stays."""
    enough = 0.5 / neighbours.ODDS
    assert by_neighbours("Tota1", doubted("Tota1", "1", "l", share=enough * 1.01), amounts=False) == "Total"
    assert by_neighbours("Tota1", doubted("Tota1", "1", "l", share=enough * 0.99), amounts=False) == "Tota1"


def test_a_word_that_is_none_becomes_one() -> None:
    """The likeliest of those it may be; letter case stays, and several signs may be wrong."""
    assert by_dictionary("a ToTaI, X", doubted("a ToTaI, X", "I", "i", "l"), WORDS) == "a ToTal, X"
    two = [*doubted("ANOUHT", "N", "M"), *doubted("ANOUHT", "H", "N")]
    assert by_dictionary("ANOUHT", two, WORDS) == "AMOUNT"
    assert by_dictionary("fotal", doubted("fotal", "f", "t", "l"), WORDS | {"lotal"}) == "total"


def test_a_word_that_is_known_stays() -> None:
    """However likely another is; and so does one that would be none afterwards either, or is no word."""
    assert by_dictionary("local", doubted("local", "c", "t", share=0.5), WORDS) == "local"
    assert by_dictionary("Jelan", doubted("Jelan", "e", "a"), WORDS) == "Jelan"
    assert by_dictionary("1te34", doubted("1te34", "3", "m"), WORDS | {"1tem4"}) == "1te34"
    assert by_dictionary("ltes", doubted("ltes", "s", "m"), frozenset()) == "ltes"


def test_short_words_and_parts_of_words_stay() -> None:
    """Three letters are as often an abbreviation, and a word goes on over a letter of another script."""
    assert by_dictionary("SDN", doubted("SDN", "D", "U"), frozenset({"sun"})) == "SDN"
    assert by_dictionary("étotaI", doubted("étotaI", "I", "l"), WORDS) == "étotaI"


def test_a_word_must_be_likely_enough_as_a_whole() -> None:
    """All its signs together are at most `dictionary.ODDS` times less likely than what was read."""
    share = 0.5 * dictionary.ODDS**-0.5
    for factor, said in ((1.02, "amount"), (0.98, "anouht")):
        two = [*doubted("anouht", "n", "m", share=share * factor), *doubted("anouht", "h", "n", share=share * factor)]
        assert by_dictionary("anouht", two, WORDS) == said


def test_a_word_in_doubt_all_over_takes_no_time() -> None:
    """The greatest doubts are looked at, the others stay as they were read."""
    text = "x" * 200
    doubts = [Doubt(place, 0.1, tuple((sign, 0.09) for sign in string.ascii_lowercase[:20])) for place in range(200)]
    assert by_dictionary(text, doubts, WORDS) == text


def test_pages_in_english_are_told_by_their_words() -> None:
    """The words of a dictionary, not the letters; a page without words is in no language."""
    words = english_words()
    assert is_english(["Thank you for your payment", "Jalan Damansara"], words)
    assert not is_english(["Vielen Dank und auf Wiedersehen"], words)
    assert not is_english(["12.50", "a b c"], words)


def line(text: str, *doubts: Doubt, confidence: float = 0.9) -> Reading:
    return Reading(text, confidence, doubts=doubts)


def test_a_sign_that_is_changed_makes_its_line_less_sure() -> None:
    """The confidence is the mean of the probabilities of what is said now."""
    _, total = respell([line(ENGLISH), line("Tota1", *doubted("Tota1", "1", "l"))])
    assert (total.text, total.confidence) == ("Total", pytest.approx(0.9 - (0.5 - 0.25) / 5))


def test_only_pages_in_english_are_read_with_a_dictionary() -> None:
    """Neighbours count on any page in plain letters."""
    wrong = line("fotal", *doubted("fotal", "f", "t")), line("Tota1", *doubted("Tota1", "1", "l"))
    assert [one.text for one in respell([line(ENGLISH), *wrong])][1:] == ["total", "Total"]
    assert [one.text for one in respell([line("jumlah terima kasih"), *wrong])][1:] == ["fotal", "Total"]


def test_a_page_in_another_script_stays_as_it_was_read() -> None:
    """Every line of it, whatever was in doubt."""
    page = [line("мука сахар"), line(ENGLISH), line("Tota1", *doubted("Tota1", "1", "l"))]
    assert respell(page) == page


def test_a_line_that_is_hardly_legible_stays() -> None:
    """Words that are made of noise would be found by who searches for them."""
    page = [line(ENGLISH), line("Tota1", *doubted("Tota1", "1", "l"), confidence=LEGIBLE - 0.01)]
    assert respell(page) == page


@given(st.data())
def test_nothing_is_said_that_was_not_held_possible(data: st.DataObject) -> None:
    """Whatever a page says: as many lines, as long, and each sign is the one read or one of its doubt's others."""
    page = []
    for text in data.draw(st.lists(st.text(string.ascii_letters + string.digits + " .,", max_size=12), max_size=5)):
        doubts = [
            Doubt(
                place, data.draw(st.floats(0.3, 1)), tuple((other, data.draw(st.floats(0.01, 0.3))) for other in others)
            )
            for place, others in enumerate(data.draw(st.lists(st.text("1lOo0S5t", max_size=2), max_size=len(text))))
            if others and text[place].isalnum()
        ]
        page.append(line(text, *doubts, confidence=data.draw(st.floats(0, 1))))
    for before, after in zip(page, respell(page), strict=True):
        others = {doubt.place: {other for other, _ in doubt.others} for doubt in before.doubts}
        assert len(before.text) == len(after.text)
        for place, (one, other) in enumerate(zip(before.text, after.text, strict=True)):
            assert other == one or other in others[place]
