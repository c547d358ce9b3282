"""What lines say once their whole page is read."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ocr.text import amounts, dictionary
from pipeline.ocr.text.amounts import has_amounts, without_letters
from pipeline.ocr.text.dictionary import by_dictionary, english_words, is_english
from pipeline.ocr.text.doubts import Doubt
from pipeline.ocr.text.reading import Reading
from pipeline.ocr.text.spelling import LEGIBLE, respell
from tests.polygons import boxes

ENGLISH = "thank you for your payment"
WORDS = frozenset({"total", "local", "item", "amount"})


def said(page: list[Reading]) -> list[Reading]:
    """What the lines say, one below another."""
    return respell(page, boxes(*((0, 30 * row, 40, 20) for row in range(len(page)))))


def doubted(text: str, sign: str, *others: str, share: float = 0.25) -> list[Doubt]:
    """The first such sign of a text may be one of others, each less likely than the one before."""
    return [Doubt(text.index(sign), 0.5, tuple((other, share / 2**n) for n, other in enumerate(others)))]


@pytest.mark.parametrize(
    ("text", "sign", "others", "said"),
    [
        ("3.5C", "C", "0", "3.50"),
        ("RM 1O.50", "O", "Q0", "RM 10.50"),
        ("(3.O0)", "O", "0", "(3.00)"),
        ("3,5O,", "O", "0", "3,50,"),
        ("S.80", "S", "5", "5.80"),
    ],
)
def test_a_letter_in_an_amount_is_a_digit(text: str, sign: str, others: str, said: str) -> None:
    """The likeliest it may be, wherever it stands in the amount."""
    assert without_letters(text, doubted(text, sign, *others)) == said


@pytest.mark.parametrize(
    ("text", "sign", "other"),
    [
        ("1.5B", "B", "8"),
        ("36.5C", "C", "0"),
    ],
)
def test_a_letter_is_a_digit_among_amounts_only(text: str, sign: str, other: str) -> None:
    """Where numbers have one place it is a unit; a page of amounts has few of them."""
    page = [line("level 2.5"), line("2.25 3.1"), line(text, *doubted(text, sign, other))]
    assert [one.text for one in said(page)][2] == text
    page = [line("2.50"), line("3.10"), line(text, *doubted(text, sign, other))]
    assert [one.text for one in said(page)][2] != text


@pytest.mark.parametrize(
    ("text", "sign", "other"),
    [
        ("B12", "B", "8"),
        ("118B", "B", "8"),
        ("2x", "x", "1"),
        ("15l", "l", "1"),
        ("1.5l", "l", "1"),
        ("2.5m", "m", "7"),
        ("3.5O.2", "O", "0"),
        ("v3.5O", "O", "0"),
        ("3.5OL", "O", "0"),
        ("13.OO", "O", "0"),
        ("B.5", "B", "8"),
        ("l.Ol", "l", "1"),
        ("NL31.4B", "B", "8"),
        ("3.5O", "O", "Q"),
    ],
)
def test_codes_and_sizes_stay(text: str, sign: str, other: str) -> None:
    """What is no amount but for one letter mixes letters and digits as it likes; and a letter is no digit."""
    assert without_letters(text, doubted(text, sign, other)) == text


def test_pages_with_amounts_are_told_by_their_places() -> None:
    """Half of the numbers with places have two; a number within others tells nothing."""
    assert has_amounts(["pen 1.20", "0,50 ink", "3.5"])
    assert has_amounts(["1.25, 1.5"])
    assert not has_amounts(["1.5 m", "2.25", "3.1"])
    assert not has_amounts(["10", "192.168.10.25.1"])


def test_amounts_need_some_doubt() -> None:
    """A letter that was `amounts.ODDS` times likelier stays."""
    enough = 0.5 / amounts.ODDS
    assert without_letters("3.5C", doubted("3.5C", "C", "0", share=enough * 1.01)) == "3.50"
    assert without_letters("3.5C", doubted("3.5C", "C", "0", share=enough * 0.99)) == "3.5C"


def test_a_word_that_is_none_becomes_one() -> None:
    """The likeliest of those it may be, of which the first holds among equals; several signs may be wrong."""
    assert by_dictionary("a Tota1, X", doubted("a Tota1, X", "1", "i", "l"), WORDS) == "a Total, X"
    two = [*doubted("ANOUHT", "N", "M"), *doubted("ANOUHT", "H", "N")]
    assert by_dictionary("ANOUHT", two, WORDS) == "AMOUNT"
    assert by_dictionary("fotal", doubted("fotal", "f", "t", "l"), WORDS | {"lotal"}) == "total"
    equal = [Doubt(0, 0.5, (("t", 0.2), ("l", 0.2)))]
    assert by_dictionary("fotal", equal, WORDS | {"lotal"}) == "total"


def test_the_greatest_doubts_of_a_word_are_looked_at() -> None:
    """Five of its signs may be wrong, whatever else is in a little doubt."""
    little = [Doubt(place, 0.9, (("z", 0.05),)) for place in (3, 5, 6)]
    great = [Doubt(place, 0.5, ((sign, 0.3),)) for place, sign in ((0, "p"), (1, "a"), (2, "y"), (4, "e"))]
    assert by_dictionary("qxxmxnt", [*little, *great], frozenset({"payment"})) == "payment"


def test_a_word_that_is_known_stays() -> None:
    """However likely another is, in any case of its letters; and so does one that would be none afterwards either, or
    is no word."""
    assert by_dictionary("local", doubted("local", "c", "t", share=0.5), WORDS | {"lotal"}) == "local"
    assert by_dictionary("LOCAL", doubted("LOCAL", "C", "T", share=0.5), WORDS | {"lotal"}) == "LOCAL"
    assert by_dictionary("Jelan", doubted("Jelan", "e", "a"), WORDS) == "Jelan"
    assert by_dictionary("1te3", doubted("1te3", "3", "m"), WORDS | {"1tem"}) == "1te3"
    assert by_dictionary("ltes", doubted("ltes", "s", "m"), frozenset()) == "ltes"


def test_short_words_and_parts_of_words_stay() -> None:
    """Three letters are as often an abbreviation, and a word goes on over a letter of another script."""
    assert by_dictionary("SDN", doubted("SDN", "D", "U"), frozenset({"sun"})) == "SDN"
    for text in ("étotaI", "totaIé"):
        assert by_dictionary(text, doubted(text, "I", "l"), WORDS) == text


@pytest.mark.parametrize(
    "text", ["me@loca1.com", "www.loca1.com", "loca1/a", "loca1:8", "C:\\loca1", "loca1.txt", "loca1-4412", "a_loca1"]
)
def test_addresses_and_codes_stay(text: str) -> None:
    """They are spelt as their owners like; a full stop after a word or a hyphen within makes none of it."""
    assert by_dictionary("shop-loca1", doubted("shop-loca1", "1", "l"), WORDS) == "shop-local"
    assert by_dictionary(text, doubted(text, "1", "l"), WORDS) == text
    assert by_dictionary("loca1. Item", doubted("loca1. Item", "1", "l"), WORDS) == "local. Item"


def test_a_word_is_written_in_one_case() -> None:
    """Small, capitals or with a capital first: what would be none of these is not what stands there."""
    assert by_dictionary("Tota1", doubted("Tota1", "1", "L", "l"), WORDS) == "Total"
    assert by_dictionary("Tota1", doubted("Tota1", "1", "L"), WORDS) == "Tota1"
    assert by_dictionary("TOTA1", doubted("TOTA1", "1", "l", "L"), WORDS) == "TOTAL"


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
    """By those of a dictionary, and the short ones that no page is without: other languages share many long ones. No
    words are no language."""
    words = english_words()
    assert is_english(["Thank you for your payment", "Jalan Damansara"], words)
    assert not is_english(["Vielen Dank und auf Wiedersehen"], words)
    assert not is_english(["12.50", "a b c"], words)
    invoice = ["Facture", "Restaurant Le Bois", "Total TTC", "Merci de votre visite", "Table, article, client, service"]
    assert not is_english(invoice, words)
    assert is_english([*invoice, "Thank you for your visit to the restaurant"], words)


def line(text: str, *doubts: Doubt, probability: float = 0.9) -> Reading:
    return Reading(text, probability, doubts=doubts)


def test_a_sign_that_is_changed_makes_its_line_less_sure() -> None:
    """`mean_probability` is that of what is said now; as many errors are expected as before."""
    read = replace(line("Tota1", *doubted("Tota1", "1", "l")), expected_errors=0.5)
    _, total = said([line(ENGLISH), read])
    assert (total.text, total.mean_probability) == ("Total", pytest.approx(0.9 - (0.5 - 0.25) / 5))
    assert total.expected_errors == read.expected_errors


def test_only_pages_in_english_are_read_with_a_dictionary() -> None:
    """Amounts are on any page in plain letters."""
    wrong = line("fotal", *doubted("fotal", "f", "t")), line("2.5O", *doubted("2.5O", "O", "0"))
    assert [one.text for one in said([line(ENGLISH), line("1.25"), *wrong])][2:] == ["total", "2.50"]
    assert [one.text for one in said([line("jumlah terima kasih"), line("1.25"), *wrong])][2:] == ["fotal", "2.50"]


def test_a_page_in_another_script_stays_as_it_was_read() -> None:
    """Every line of it, whatever was in doubt."""
    page = [line("мука сахар"), line(ENGLISH), line("Tota1", *doubted("Tota1", "1", "l"))]
    assert said(page) == page


def test_a_line_that_is_hardly_legible_stays() -> None:
    """Words that are made of noise would be found by who searches for them."""
    page = [line(ENGLISH), line("Tota1", *doubted("Tota1", "1", "l"), probability=LEGIBLE - 0.01)]
    assert said(page) == page
    page = [line(ENGLISH), line("Tota1", *doubted("Tota1", "1", "l"), probability=LEGIBLE)]
    assert said(page) != page


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
        page.append(line(text, *doubts, probability=data.draw(st.floats(0, 1))))
    for before, after in zip(page, said(page), strict=True):
        others = {doubt.place: {other for other, _ in doubt.others} for doubt in before.doubts}
        assert len(before.text) == len(after.text)
        for place, (one, other) in enumerate(zip(before.text, after.text, strict=True)):
            assert other == one or other in others[place]
