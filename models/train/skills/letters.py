"""Tasks about the letters of a word: spelling, reversing, counting, alphabetical order.

Tokens hide letters, so an answer first spells the word. Training spells every word of the list, as facts; the words held out are never
reversed, counted or put in order there. Invented words teach the letters of all other tokens.
"""

from lexicon import fresh, words
from skills import Skill, exchange
from splits import TEST, TRAIN, wordings
from wording import decorate

REVERSE = wordings("letters.reverse")
COUNT = wordings("letters.count")
SPELL = wordings("letters.spell")
ONE_LETTER = wordings("letters.one_letter")
FIRST = wordings("letters.first")
LAST = wordings("letters.last")
ALPHABET = wordings("letters.alphabet")

_CONSONANTS = "bcdfghjklmnprstvwyz"
_VOWELS = "aeiou"


def invented_word(rng):
    """Letters that could be a word, or the reverse of one."""
    length, vowel = rng.randint(3, 7), rng.random() < 0.4
    letters = ""
    for _ in range(length):
        letters += rng.choice(_VOWELS if vowel else _CONSONANTS)
        vowel = not vowel if rng.random() < 0.8 else vowel
    return letters


def word(rng, split):
    """A word of a side, in training often an invented one."""
    if split == TRAIN and rng.random() < 0.45:
        return invented_word(rng)
    return LETTER_LISTS[split](rng)


LETTER_LISTS = {
    TRAIN: lambda rng: rng.choice(words.LETTER_WORDS.train),
    TEST: lambda rng: rng.choice([word for word in words.LETTER_WORDS.test if len(word) <= 6]),
}


def spelled(text):
    """The letters of a word, apart."""
    return "-".join(text)


def ask(rng, split, sides, **values):
    """A question of these wordings."""
    return decorate(rng, sides.ask(rng, split).format(**values), split)


def reversing(rng, split):
    """A word backwards. Training spells words of either side in one sample of three."""
    if split == TRAIN and rng.random() < 0.3:
        w = rng.choice(words.WORDS) if rng.random() < 0.7 else invented_word(rng)
        return exchange(ask(rng, split, SPELL, w=w), f"{w} is spelled {spelled(w)}.", all=[spelled(w)])
    w = word(rng, split)
    backwards = w[::-1]
    answer = f"{w} is spelled {spelled(w)}. Backwards that is {spelled(backwards)}: {backwards}"
    return exchange(ask(rng, split, REVERSE, w=w), answer, all=[": " + backwards])


def letter_counting(rng, split):
    """The number of letters, of one letter, or the first or last letter."""
    w = word(rng, split)
    kind = rng.random()
    if kind < 0.55:
        answer = f"{w} is spelled {spelled(w)}. That is {len(w)} letters."
        return exchange(ask(rng, split, COUNT, w=w), answer, number=len(w))
    if kind < 0.75:
        letter = rng.choice(w) if rng.random() < 0.85 else rng.choice(_CONSONANTS + _VOWELS)
        seen, marked = 0, []
        for one in w:
            seen += one == letter
            marked.append(f"{one}({seen})" if one == letter else one)
        answer = f"{'-'.join(marked)}. The letter {letter} is there {'once' if seen == 1 else f'{seen} times'}."
        return exchange(ask(rng, split, ONE_LETTER, w=w, l=letter), answer, all=["there once" if seen == 1 else f"there {seen} times"])
    first = rng.random() < 0.5
    answer = f"{w} {'starts' if first else 'ends'} with the letter {w[0] if first else w[-1]}."
    return exchange(ask(rng, split, FIRST if first else LAST, w=w), answer, all=[f"letter {w[0] if first else w[-1]}"])


def alphabetical(rng, split):
    """Words in alphabetical order; mostly their first letters differ."""
    while True:
        invented = 0.5 if split == TRAIN else 0
        count = rng.randint(3, 5)
        items = [fresh.word(rng) if invented and rng.random() < invented else LETTER_LISTS[split](rng) for _ in range(count)]
        if len(set(items)) == len(items) and (len({item[0] for item in items}) == len(items) or rng.random() < 0.1):
            break
    right = ", ".join(sorted(items))
    starts = {item: beginning(item, items) for item in items}
    working = ", ".join(f"{item} ({starts[item]})" for item in items)
    answer = f"{working}. In order: {', '.join(starts[item] for item in sorted(items))}. That is: {right}"
    return exchange(ask(rng, split, ALPHABET, list=", ".join(items)), answer, all=["That is: " + right])


def beginning(item, items):
    """As much of a word's beginning as tells it from all other words, letters apart."""
    length = 1
    while length < len(item) and any(other != item and other[:length] == item[:length] for other in items):
        length += 1
    return spelled(item[:length])


SKILLS = [
    Skill("reversing", reversing, bar=85, weight=6),
    Skill("letters", letter_counting, bar=85, weight=5),
    Skill("alphabetical", alphabetical, bar=85, weight=8, longest=128),
]
