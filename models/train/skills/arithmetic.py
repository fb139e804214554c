"""Addition and subtraction to three digits, and the multiplication table.

An answer shows its working, digit by digit from the right as children learn it, because each digit then is one small fact. Without it a model
of this size learns the pairs of two digits by heart, and fails on those it has not seen. Numbers of one digit are no exception: `6-3=3` is a
step of many sums, while "6 - 3" by itself may be a pair that is held out.

A pair of operands belongs to one side, in either order, in sums and in stories alike. The 144 products are facts: there the wording is
held out.
"""

from lexicon import names, words
from skills import Skill, exchange
from splits import TRAIN, draw, wordings
from wording import decorate

PLUS = wordings("arithmetic.plus")
MINUS = wordings("arithmetic.minus")
TIMES = wordings("arithmetic.times")
MORE = wordings("arithmetic.more")
LESS = wordings("arithmetic.less")


def operands(rng, split, digits, sign):
    """Two numbers of at most so many digits, of which one has just so many. Where the sign is minus, the smaller comes second, but for one
    pair in eight."""
    low, high = (0, 99) if digits == 2 else (100, 999)

    def make():
        if digits == 2 and rng.random() < 0.2:
            return rng.randint(0, 12), rng.randint(0, 12)
        return rng.randint(low, high), rng.randint(0 if rng.random() < 0.35 else low, high)

    a, b = draw(split, make, lambda pair: ("pair", sign, min(pair), max(pair)))
    if rng.random() < 0.5:
        a, b = b, a
    if sign == "-" and a < b and rng.random() < 0.87:
        a, b = b, a
    return a, b


def sums(digits):
    """Makes additions and subtractions of a size."""

    def make(rng, split):
        sign = rng.choice("+-")
        a, b = operands(rng, split, digits, sign)
        result = a + b if sign == "+" else a - b
        if min(a, b) > 1 and result > 0 and rng.random() < 0.15:
            return told(rng, split, a, b, sign, result)
        text = (PLUS if sign == "+" else MINUS).ask(rng, split).format(a=a, b=b)
        return exchange(decorate(rng, text, split), f"{working(a, b, sign)}{a} {sign} {b} = {result}", number=result)

    return make


def working(a, b, sign):
    """How a result is found: `7+5=12, 4+8+1=13, 3+2+1=6: ` for 347 + 285.

    A difference borrows before it subtracts: `12-7=5, 13-8-1=4, 5-2-1=2: ` for 532 - 287. One below zero is that of the numbers the other
    way round.
    """
    steps, carried = [], 0
    high, low = (max(a, b), min(a, b)) if sign == "-" else (a, b)
    for place in range(max(len(str(a)), len(str(b)))):
        first, second = high // 10**place % 10, low // 10**place % 10
        borrows = sign == "-" and first < second + carried
        terms = f"{first + 10 * borrows}{sign}{second}" + f"{sign}1" * carried
        found = first + second + carried if sign == "+" else first + 10 * borrows - second - carried
        steps.append(f"{terms}={found}")
        carried = int(borrows or found > 9)
    turned = f"{low} is less, so {high} - {low} first: " if high != a else ""
    return f"{turned}{', '.join(steps)}: "


def told(rng, split, a, b, sign, result):
    """A sum in a story of one or two sentences."""
    name, other = names.people(rng, split, 2)
    things = words.plural(rng.choice(words.FRUITS + words.THINGS))
    text = (MORE if sign == "+" else LESS).pick(rng, split).format(name=name, other=other, things=things, a=a, b=b)
    return exchange(text, f"{working(a, b, sign)}{a} {sign} {b} = {result}, so the answer is {result} {things}.", number=result)


def product(rng, split):
    """A product of numbers up to twelve."""
    a, b = rng.randint(0 if split == TRAIN else 1, 12), rng.randint(1, 12)
    text = TIMES.ask(rng, split).format(a=a, b=b)
    return exchange(decorate(rng, text, split), f"{a} x {b} = {a * b}", number=a * b)


SKILLS = [
    Skill("arithmetic_2", sums(2), bar=95, weight=7),
    Skill("arithmetic_3", sums(3), bar=85, weight=9),
    Skill("multiplication", product, bar=85, weight=5),
]
