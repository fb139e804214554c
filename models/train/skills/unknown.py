"""Saying "I don't know": to questions about people, places and facts outside, to what is happening now, and to tasks beyond the model.

The model shall know what it knows. So there are capitals of countries that do not exist, other questions about those that do, sums that
are too large, and many questions that have no answer in the training text at all.
"""

from lexicon import capitals, names, words
from skills import Skill, exchange
from splits import Sides, wordings
from wording import decorate

ANSWERS = [
    "I don't know that. I am only a small model.",
    "Sorry, I don't know.",
    "I don't know the answer to that.",
]
TASK_ANSWERS = ["Sorry, I don't know how to do that. I am only a small model."]
BIG_ANSWERS = ["I don't know. That is too large for me: I add and subtract up to 999 and multiply up to 12 x 12."]
NOW_ANSWERS = ["I don't know. I cannot look outside of this conversation."]

#: p: a person, c: a place, x: a place that does not exist, s: a surname, y: a year, t: a title, n: a number
OUTSIDE = wordings("unknown.outside")
NOWHERE = wordings("unknown.nowhere")
NOW = wordings("unknown.now")
TASKS = wordings("unknown.tasks")
BIG = wordings("unknown.big")


def make(rng, split):
    """A question that the model cannot answer."""
    kinds = [(OUTSIDE, ANSWERS, 10), (NOWHERE, ANSWERS, 3), (NOW, NOW_ANSWERS, 3), (TASKS, TASK_ANSWERS, 4), (BIG, BIG_ANSWERS, 3)]
    sides, answers, _ = rng.choices(kinds, [kind[2] for kind in kinds])[0]
    text = sides.ask(rng, split).format(
        p=names.full(rng, split) if rng.random() < 0.75 else names.person(rng, split),
        c=place(rng, split),
        c2=place(rng, split),
        x=capitals.nowhere(rng, split),
        s=names.surname(rng, split),
        y=rng.randint(1000, 2030),
        t=title(rng, split),
        n=rng.randint(2, 999),
        n2=rng.randint(2, 99),
        m=rng.randint(1000, 99999),
        k=rng.randint(1000, 9999),
        a=rng.randint(13, 99),
        b=rng.randint(13, 99),
        w=words.letter_word(rng, split),
        l=rng.choice(words.LANGUAGES),
        f=rng.choice(words.FOODS),
    )
    return exchange(decorate(rng, text, split), rng.choice(answers), any=["don't know", "do not know"])


def place(rng, split):
    """A country, a city, or neither."""
    chance = rng.random()
    if chance < 0.4:
        return rng.choice(capitals.COUNTRIES)[0]
    return capitals.nowhere(rng, split) if chance < 0.6 else capitals.city(rng, split)


_TITLES = Sides(
    """The {a} {b}|{a} {b}|A {b} in {c}|{b} of the {a} {b2}|The {b} and the {b2}""",
    "The Last {b} of {c}|{a} {b}s|The {a} {b2}",
)
_A = Sides(
    "Silent Golden Hidden Lost Red Broken Secret Quiet Frozen Blue Ancient Little Dark Wild".split(),
    "Crooked Velvet Midnight Hollow Northern".split(),
)
_B = Sides(
    "River Garden House Mountain Letter Winter Road Mirror Forest Star Door Ocean King Song Storm".split(),
    "Lantern Orchard Compass Staircase Violin".split(),
)


def title(rng, split):
    """The title of a book, film or song that may not exist."""
    b, b2 = _B.several(rng, split, 2)
    return _TITLES.pick(rng, split).format(a=_A.pick(rng, split), b=b, b2=b2, c=capitals.city(rng, split))


SKILLS = [Skill("unknown", make, bar=90, weight=10)]
