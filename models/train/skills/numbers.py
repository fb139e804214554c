"""Counting, sorting and comparing numbers."""

from lexicon import words
from skills import Skill, exchange
from splits import TRAIN, Sides, draw
from wording import decorate, upper_first

COUNT_UP = Sides(
    """Count from {a} to {b}.|Count to {b} starting at {a}.|Please count from {a} up to {b}.|Can you count from {a} to {b}?
    |Numbers from {a} to {b}|List the numbers from {a} to {b}.|Say the numbers from {a} to {b}.|Count up from {a} to {b}.
    |Write the numbers {a} to {b}.|Give me the numbers from {a} to {b}.|Start at {a} and count to {b}.|Count: {a} to {b}
    |Show me the numbers from {a} to {b}.""",
    """I want you to count from {a} to {b}.|Could you count up from {a} to {b}?|Please list the numbers from {a} up to {b}.
    |Write the numbers from {a} to {b}.|Count from {a} up to {b}, please.""",
)
COUNT_DOWN = Sides(
    """Count down from {b} to {a}.|Count backwards from {b} to {a}.|Please count down from {b} to {a}.
    |Can you count backwards from {b} to {a}?|Count from {b} down to {a}.""",
    "Could you count down from {b} to {a}?|Please count backwards from {b} down to {a}.|I want you to count down from {b} to {a}.",
)
HOW_MANY = Sides(
    """How many {kind} are in this list: {list}?|How many {kind} are there: {list}?|Count the {kind}: {list}.
    |{list}: how many {kind} is that?|Count these {kind}: {list}|How many {kind} do you see: {list}?
    |I have {list}. How many {kind} do I have?|How many things are in the list {list}?|How long is this list: {list}?
    |Here is a list: {list}. How many {kind} are in it?|Tell me how many {kind} are here: {list}.|Count the items: {list}""",
    """How many {kind} does this list have: {list}?|Please count the {kind} in this list: {list}.
    |Here are some {kind}: {list}. How many are there?|I see {list}. How many {kind} is that?""",
)
NEXT = Sides(
    """What number comes after {a}?|Which number comes after {a}?|What is the number after {a}?|What comes next after {a}?
    |Next number after {a}?|What follows {a}?""",
    "Which number follows {a}?|Tell me the number that comes after {a}.|What is the next number after {a}?",
)
BEFORE = Sides(
    """What number comes before {a}?|Which number comes before {a}?|What is the number before {a}?|Number before {a}?
    |What comes just before {a}?""",
    "Tell me the number that comes before {a}.|Which number is just before {a}?",
)
SORT_UP = Sides(
    """Sort these numbers: {list}|Sort {list}|Sort the numbers {list}.|Put these numbers in order: {list}
    |Order these numbers from smallest to largest: {list}|Sort from small to large: {list}|Arrange {list} in ascending order.
    |Please sort {list}.|Can you sort these numbers: {list}?|Put {list} in order.|Sort this list: {list}
    |From smallest to biggest: {list}|Order the numbers {list}.|Sort in ascending order: {list}
    |Which order do these numbers have: {list}?|Sorted, please: {list}|Arrange these numbers: {list}""",
    """Could you put these numbers in order: {list}?|I need these numbers sorted: {list}|Please sort this list of numbers: {list}
    |Put the numbers {list} in ascending order.|Arrange these numbers from smallest to largest: {list}""",
)
SORT_DOWN = Sides(
    """Sort these numbers from largest to smallest: {list}|Sort in descending order: {list}|Order from big to small: {list}
    |Arrange {list} in descending order.|Sort {list} from largest to smallest.|Put these numbers in descending order: {list}""",
    """Could you sort these numbers from largest to smallest: {list}?|Please put {list} in descending order.
    |Arrange these numbers in descending order: {list}""",
)
LARGER = Sides(
    """Which is larger, {a} or {b}?|Which number is bigger, {a} or {b}?|What is greater: {a} or {b}?|Is {a} or {b} larger?
    |Which is more, {a} or {b}?|Larger: {a} or {b}?|Which one is larger: {a} or {b}?|Which of {a} and {b} is greater?
    |Compare {a} and {b}. Which is larger?|{a} or {b}, which is bigger?|Tell me the larger number: {a}, {b}
    |Which is the bigger number, {a} or {b}?|What is bigger, {a} or {b}?|Which is higher, {a} or {b}?""",
    """Which number is greater, {a} or {b}?|Which of the numbers {a} and {b} is larger?|Tell me which is bigger, {a} or {b}.
    |Is {a} or {b} the bigger number?""",
)
SMALLER = Sides(
    """Which is smaller, {a} or {b}?|Which number is smaller, {a} or {b}?|What is less: {a} or {b}?|Is {a} or {b} smaller?
    |Which is less, {a} or {b}?|Smaller: {a} or {b}?|Which one is smaller: {a} or {b}?|Which of {a} and {b} is smaller?
    |Compare {a} and {b}. Which is smaller?|{a} or {b}, which is smaller?|What is smaller, {a} or {b}?|Which is lower, {a} or {b}?""",
    "Which of the numbers {a} and {b} is smaller?|Tell me which is smaller, {a} or {b}.|Is {a} or {b} the smaller number?",
)
IS_LARGER = Sides(
    "Is {a} larger than {b}?|Is {a} bigger than {b}?|Is {a} greater than {b}?|Is {a} more than {b}?",
    "Tell me, is {a} bigger than {b}?|Would you say {a} is larger than {b}?",
)
LARGEST = Sides(
    """Which is the largest: {list}?|What is the largest number in {list}?|Find the biggest number: {list}
    |Which of {list} is the largest?|Maximum of {list}?""",
    "Tell me the largest number in this list: {list}|Which number is the biggest: {list}?",
)
SMALLEST = Sides(
    """Which is the smallest: {list}?|What is the smallest number in {list}?|Find the smallest number: {list}
    |Which of {list} is the smallest?|Minimum of {list}?""",
    "Tell me the smallest number in this list: {list}|Which number is the smallest: {list}?",
)


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
