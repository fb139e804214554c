"""Addition and subtraction to three digits, and the multiplication table.

A pair of operands belongs to one side, in either order, in sums and in stories alike. The 144 products are facts: there the wording is
held out.
"""

from lexicon import names, words
from skills import Skill, exchange
from splits import TRAIN, Sides, draw
from wording import decorate

PLUS = Sides(
    """What is {a} + {b}?|{a} + {b}|{a}+{b}|{a} + {b} =|{a}+{b}=?|{a} plus {b}|What is {a} plus {b}?|Add {a} and {b}.
    |Calculate {a} + {b}.|How much is {a} + {b}?|What's {a} + {b}?|Compute {a} plus {b}.|What does {a} + {b} make?
    |The sum of {a} and {b}?|What is the sum of {a} and {b}?|Work out {a} + {b}.|Can you add {a} and {b}?|{a} and {b} together?
    |How much is {a} plus {b}?|What do I get when I add {b} to {a}?|Solve {a} + {b}.|What is {a}+{b}?|Find {a} + {b}.
    |Result of {a} + {b}?|Give me the result of {a} + {b}.|What is the result if I add {a} and {b}?|The result of {a} plus {b}, please.|What result does {a} + {b} have?|Find the result: {a} + {b}|Sum: {a} + {b}|I need {a} + {b}.|What is the total of {a} and {b}?|{a} and {b} make how much?|If I add {b} to {a}, what do I have?|What comes out of {a} + {b}?|I have to add {a} and {b}.|Add up {a} and {b}.|What is {a} and {b}?|How much does it make, {a} + {b}?|What's {a} plus {b}?|Tell me {a} + {b}.|Give me the sum of {a} and {b}.|How much are {a} and {b}?""",
    """Could you tell me how much {a} + {b} is?|I want to add {a} and {b}. What do I get?|What is the result of {a} + {b}?
    |Please add {a} and {b}.|Calculate the sum of {a} and {b}.|How much does {a} plus {b} make?""",
)
MINUS = Sides(
    """What is {a} - {b}?|{a} - {b}|{a}-{b}|{a} - {b} =|{a}-{b}=?|{a} minus {b}|What is {a} minus {b}?|Subtract {b} from {a}.
    |Calculate {a} - {b}.|How much is {a} - {b}?|What's {a} - {b}?|Compute {a} minus {b}.|What does {a} - {b} make?
    |Take {b} away from {a}.|Work out {a} - {b}.|What is the difference between {a} and {b}?|Can you subtract {b} from {a}?
    |How much is {a} minus {b}?|What do I get when I take {b} from {a}?|Solve {a} - {b}.|What is {a}-{b}?|Find {a} - {b}.
    |What's {a} minus {b}?|Tell me {a} - {b}.|Result of {a} - {b}?|Give me the result of {a} - {b}.|What is the result if I take {b} from {a}?|The result of {a} minus {b}, please.|What result does {a} - {b} have?|Find the result: {a} - {b}|I need {a} - {b}.|What is left of {a} without {b}?|If I subtract {b} from {a}, what is left?|What comes out of {a} - {b}?|I have to subtract {b} from {a}.|Deduct {b} from {a}.|What is {a} less {b}?|How much does it make, {a} - {b}?|{a} take away {b}""",
    """Could you tell me how much {a} - {b} is?|I want to subtract {b} from {a}. What do I get?|What is the result of {a} - {b}?
    |Please subtract {b} from {a}.|How much does {a} minus {b} make?""",
)
TIMES = Sides(
    """What is {a} times {b}?|{a} x {b}|{a} * {b}|{a} times {b}|What is {a} x {b}?|What is {a} * {b}?|Multiply {a} by {b}.
    |Calculate {a} times {b}.|How much is {a} times {b}?|{a}*{b}|{a}x{b}|What's {a} times {b}?|Compute {a} * {b}.
    |What do {a} times {b} make?|{a} * {b} =|Work out {a} x {b}.|Can you multiply {a} by {b}?|What is the product of {a} and {b}?
    |How much is {a} x {b}?|Solve {a} * {b}.|{a} multiplied by {b}|Find {a} * {b}.|What do I get when I multiply {a} by {b}?
    |Result of {a} x {b}?|Give me the result of {a} x {b}.|What is the result if I multiply {a} by {b}?|The result of {a} times {b}, please.|What result does {a} x {b} have?|Find the result: {a} x {b}|I need {a} x {b}.|What comes out of {a} x {b}?|I have to multiply {a} by {b}.|How much does it make, {a} x {b}?|What's {a} * {b}?|Tell me {a} times {b}.|Give me the product of {a} and {b}.""",
    """Could you tell me how much {a} times {b} is?|I want to multiply {a} by {b}. What do I get?|What is the result of {a} x {b}?
    |What is {a} multiplied by {b}?|Please multiply {a} by {b}.|How much does {a} times {b} make?
    |Calculate the product of {a} and {b}.""",
)
MORE = Sides(
    [
        "{name} has {a} {things} and gets {b} more. How many {things} does {name} have now?",
        "{name} had {a} {things} and found {b} more. How many are there now?",
        "There are {a} {things} in one box and {b} in another. How many {things} are there in all?",
        "{name} buys {a} {things}. Then {name} buys {b} more. How many {things} is that?",
        "{name} has {a} {things}. {other} has {b}. How many {things} do they have together?",
        "I have {a} {things} and you give me {b} more. How many do I have?",
    ],
    [
        "{name} owns {a} {things} and gets {b} more from {other}. How many {things} does {name} have now?",
        "{name} found {a} {things} and {other} found {b}. How many {things} is that together?",
    ],
)
LESS = Sides(
    [
        "{name} has {a} {things} and gives away {b}. How many {things} are left?",
        "{name} had {a} {things} and lost {b}. How many does {name} have now?",
        "There were {a} {things} in a box. {name} took {b}. How many {things} are left in the box?",
        "{name} has {a} {things}. {other} takes {b} of them. How many does {name} still have?",
        "I have {a} {things} and I eat {b}. How many are left?",
        "{name} had {a} {things} and sold {b}. How many {things} are left?",
    ],
    [
        "{name} has {a} {things} and gives {b} to {other}. How many {things} are left?",
        "There were {a} {things} on a table. {name} took {b} of them. How many are still there?",
    ],
)


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
        return exchange(decorate(rng, text, split), f"{a} {sign} {b} = {result}", number=result)

    return make


def told(rng, split, a, b, sign, result):
    """A sum in a story of one or two sentences."""
    name, other = names.people(rng, split, 2)
    things = words.plural(rng.choice(words.FRUITS + words.THINGS))
    text = (MORE if sign == "+" else LESS).pick(rng, split).format(name=name, other=other, things=things, a=a, b=b)
    return exchange(text, f"{a} {sign} {b} = {result}, so the answer is {result} {things}.", number=result)


def product(rng, split):
    """A product of numbers up to twelve."""
    a, b = rng.randint(0 if split == TRAIN else 1, 12), rng.randint(1, 12)
    text = TIMES.ask(rng, split).format(a=a, b=b)
    return exchange(decorate(rng, text, split), f"{a} x {b} = {a * b}", number=a * b)


SKILLS = [
    Skill("arithmetic_2", sums(2), bar=95, weight=9),
    Skill("arithmetic_3", sums(3), bar=85, weight=12),
    Skill("multiplication", product, bar=85, weight=4),
]
