"""Words that are none, on pages in English: what the recogniser may have seen instead.

A word that is known stays as it is, and so does one that can't become a known one by signs the recogniser itself held
possible: abbreviations and other languages are left alone, and most names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence, Set
from functools import cache

from .doubts import Doubt

ODDS = 50.0
"""What was read may be so many times likelier than the known word, all its signs together.

Of 61 receipts, F1 of words is 0.9546 without a dictionary, 0.9581 with 20, 0.9591 with 50, 0.9589 with 100."""

_ENGLISH = 0.4
"""Of a page's words, so many at least are known where it is in English.

Of 61 receipts in English and Malay the least has 0.46; of 27 pages in other languages none has more than 0.37, but a
drawn French invoice has 0.52: much of its vocabulary is English too."""

_OURS = frozenset({
    "the", "of", "and", "to", "for", "your", "you", "with", "on", "is", "are", "by", "from", "this", "not", "at", "all",
})  # fmt: skip
_THEIRS = frozenset({
    "le", "la", "les", "des", "du", "et", "une", "est", "pour", "avec", "sur", "dans", "vous", "votre",
    "der", "die", "das", "und", "mit", "von", "ein", "eine", "nicht", "ist", "auf", "bei",
    "el", "los", "las", "una", "por", "con", "para", "del", "que", "il", "della", "di", "per", "che", "non",
    "het", "een", "van", "voor", "met", "niet", "dos", "da", "em", "com", "uma",
})  # fmt: skip
"""Words that hardly a page is without: in English; in French, German, Spanish, Italian, Dutch or Portuguese."""

_LEAST = 4
"""Letters of a word. Shorter ones are too often abbreviations: F1 is 0.9578 where three letters are enough."""

_PLACES, _OTHERS, _CHOICES = 5, 3, 64
"""Of one word so many doubts are looked at, the greatest; so many other signs for each; and at most so many words."""

_WORD = re.compile(rf"(?<![^\W_])[A-Za-z0-9]{{{_LEAST},}}(?![^\W_])")
_LETTERS = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"(?<!\S)\S*(?:[@/\\_#]|\w[.:]\w|-\d|\d-)\S*")
"""Mail and web addresses, paths, file names, codes: none of it is spelt by a dictionary."""


@cache
def english_words() -> Set[str]:
    """160 000 of them, in small letters: 0.2 s when first asked for, and 34 MB."""
    from spellchecker import SpellChecker

    return frozenset(SpellChecker(language="en").word_frequency.keys())


def is_english(texts: Iterable[str], words: Set[str]) -> bool:
    """Whether a page is: `texts` of its lines."""
    found = [word.lower() for text in texts for word in _LETTERS.findall(text)]
    long = [word for word in found if len(word) >= _LEAST]
    theirs, ours = (sum(word in few for word in found) for few in (_THEIRS, _OURS))
    return bool(long) and sum(word in words for word in long) >= _ENGLISH * len(long) and theirs <= ours


def by_dictionary(text: str, doubts: Sequence[Doubt], words: Set[str]) -> str:
    """`text` with each word that is none made the likeliest of `words` that it may be."""
    if not doubts or not words:
        return text
    known = {doubt.place: doubt for doubt in doubts}
    addresses = [found.span() for found in _ADDRESS.finditer(text)]

    def spelt(found: re.Match[str]) -> str:
        inside = any(start <= found.start() < end for start, end in addresses)
        return found[0] if inside else _likeliest(found[0], found.start(), known, words)

    return _WORD.sub(spelt, text)


def _likeliest(word: str, start: int, doubts: Mapping[int, Doubt], words: Set[str]) -> str:
    if word.lower() in words or 2 * sum(map(str.isalpha, word)) <= len(word):
        return word
    doubted = [doubts[place] for place in range(start, start + len(word)) if place in doubts]
    choices = [(word, 1.0)]
    for doubt in sorted(doubted, key=lambda doubt: doubt.probability)[:_PLACES]:
        at = doubt.place - start
        others = [(sign, share / doubt.probability) for sign, share in doubt.others[:_OTHERS]]
        changed = [(one[:at] + sign + one[at + 1 :], odds * share) for one, odds in choices for sign, share in others]
        likely = [(one, odds) for one, odds in (*choices, *changed) if odds * ODDS >= 1]
        choices = sorted(likely, key=lambda choice: -choice[1])[:_CHOICES]
    return next((one for one, _ in choices if one.lower() in words and _in_one_case(one)), word)


def _in_one_case(word: str) -> bool:
    return word.islower() or word.isupper() or word.istitle()
