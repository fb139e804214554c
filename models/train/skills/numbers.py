"""Counting, sorting and comparing numbers."""

from lexicon import words
from skills import Skill, exchange
from splits import TRAIN, draw, wordings
from wording import decorate, upper_first

COUNT_UP = wordings("numbers.count_up")
COUNT_DOWN = wordings("numbers.count_down")
HOW_MANY = wordings("numbers.how_many")
NEXT = wordings("numbers.next")
BEFORE = wordings("numbers.before")
SORT_UP = wordings("numbers.sort_up")
SORT_DOWN = wordings("numbers.sort_down")
LARGER = wordings("numbers.larger")
SMALLER = wordings("numbers.smaller")
IS_LARGER = wordings("numbers.is_larger")
LARGEST = wordings("numbers.largest")
SMALLEST = wordings("numbers.smallest")


#: What the items of a list may be.
LISTS = [
    ("fruits", words.FRUITS),
    ("vegetables", words.VEGETABLES),
    ("things", words.THINGS),
    ("colours", words.COLOURS),
    ("words", words.LETTER_WORDS.train),
]


def ask(rng, split, sides, **values):
    """A question of these wordings."""
    return decorate(rng, sides.ask(rng, split).format(**values), split)


def joined(items):
    """A list as text."""
    return ", ".join(map(str, items))


def exact(rng, split, sides, items, **values):
    """A question whose answer is a list and nothing else."""
    return exchange(ask(rng, split, sides, **values), joined(items), all=[joined(items)])


def counting(rng, split):
    """Counting up or down, neighbours of a number, or the length of a list."""
    kind = rng.random()
    if kind < 0.35:
        a, b = draw(split, lambda: span(rng), lambda pair: ("count", *pair))
        if rng.random() < 0.3:
            return exact(rng, split, COUNT_DOWN, range(b, a - 1, -1), a=a, b=b)
        return exact(rng, split, COUNT_UP, range(a, b + 1), a=a, b=b)
    if kind < 0.6:
        a = draw(split, lambda: rng.randint(1, rng.choice((30, 100, 998))), lambda a: ("neighbour", a))
        if rng.random() < 0.5:
            return exchange(ask(rng, split, NEXT, a=a), f"{a + 1} comes after {a}.", all=[str(a + 1)])
        return exchange(ask(rng, split, BEFORE, a=a), f"{a - 1} comes before {a}.", all=[str(a - 1)])
    kind, source = rng.choice(LISTS)
    items = draw(split, lambda: rng.sample(source, rng.randint(2, 9)), lambda items: ("list", *items))
    numbered = ", ".join(f"{number} {item}" for number, item in enumerate(items, 1))
    answer = f"{upper_first(numbered)}. There are {len(items)}."
    return exchange(ask(rng, split, HOW_MANY, kind=kind, list=joined(items)), answer, number=len(items))


def span(rng):
    """Ends of a stretch to count."""
    a = rng.choice((0, 1, 1, rng.randint(0, 20), rng.randint(0, 90), rng.randint(90, 300)))
    return a, a + rng.randint(3, 14)


def numbers(rng, count):
    """Different numbers of about the same size."""
    size = rng.choice((20, 100, 100, 1000))
    return rng.sample(range(size), count)


def sorting(rng, split):
    """Three to six numbers in order."""
    items = draw(split, lambda: numbers(rng, rng.randint(3, 6)), lambda items: ("sort", *sorted(items)))
    text = (" " if rng.random() < 0.15 else ", ").join(map(str, items)) if split == TRAIN else joined(items)
    down = rng.random() < 0.3
    return exact(rng, split, SORT_DOWN if down else SORT_UP, sorted(items, reverse=down), list=text)


def comparing(rng, split):
    """The larger or smaller of two numbers or of a few."""
    if rng.random() < 0.25:
        items = draw(split, lambda: numbers(rng, rng.randint(3, 5)), lambda items: ("most", *sorted(items)))
        largest = rng.random() < 0.5
        right = max(items) if largest else min(items)
        answer = f"The {'largest' if largest else 'smallest'} number is {right}."
        return exchange(ask(rng, split, LARGEST if largest else SMALLEST, list=joined(items)), answer, number=right)
    a, b = draw(split, lambda: pair(rng), lambda pair: ("compare", min(pair), max(pair)))
    kind = rng.random()
    if kind < 0.2:
        answer = f"Yes, {a} is larger than {b}." if a > b else f"No, {a} is smaller than {b}."
        return exchange(ask(rng, split, IS_LARGER, a=a, b=b), answer, all=["yes" if a > b else "no"])
    larger = kind < 0.65
    right, other = (max(a, b), min(a, b)) if larger else (min(a, b), max(a, b))
    text = ask(rng, split, LARGER if larger else SMALLER, a=a, b=b)
    return exchange(text, f"{right} is {'larger' if larger else 'smaller'} than {other}.", all=[f"{right} is"])


def pair(rng):
    """Two different numbers, often close."""
    size = rng.choice((20, 100, 1000, 1000, 10000))
    a = rng.randrange(size)
    b = rng.randrange(size) if rng.random() < 0.6 else a + rng.choice((-1, 1)) * rng.choice((1, 2, 9, 10, 11, 90, 99, 100, 110))
    return (a, b) if b >= 0 and a != b else pair(rng)


SKILLS = [
    Skill("counting", counting, bar=85, weight=3),
    Skill("sorting", sorting, bar=85, weight=4),
    Skill("comparing", comparing, bar=85, weight=4),
]
