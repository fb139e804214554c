"""Remembering what the user said: their name, home, pets, numbers, and the first thing that they asked.

Between what is said and the question there may be other turns, which `mix` puts there: this module marks the place.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from lexicon import capitals, fresh, names, words
from skills import Sample, Skill, assistant, user
from splits import TRAIN, Sides, all_of_training, wordings
from wording import upper_first

#: Where other turns may come in.
GAP = {"role": "gap"}


@dataclass
class Memory:
    """Something to remember: how it is drawn, said, acknowledged, asked for, and repeated."""

    value: Callable
    said: Sides
    noted: str
    asked: Sides
    answer: str
    #: What is answered where it was never said.
    missing: str


MEMORIES = {
    "name": Memory(
        names.person,
        wordings("recall.name_said"),
        "Nice to meet you, {v}!",
        wordings("recall.name_asked"),
        "Your name is {v}.",
        "You have not told me your name yet.",
    ),
    "city": Memory(
        capitals.city,
        wordings("recall.city_said"),
        "I will remember that you live in {v}.",
        wordings("recall.city_asked"),
        "You live in {v}.",
        "You have not told me where you live.",
    ),
    "age": Memory(
        lambda rng, split: str(rng.randint(5, 99)),
        wordings("recall.age_said"),
        "I will remember that you are {v} years old.",
        wordings("recall.age_asked"),
        "You are {v} years old.",
        "You have not told me your age.",
    ),
    "colour": Memory(
        lambda rng, split: rng.choice(words.COLOURS),
        wordings("recall.colour_said"),
        "I will remember that your favourite colour is {v}.",
        wordings("recall.colour_asked"),
        "Your favourite colour is {v}.",
        "You have not told me your favourite colour.",
    ),
    "number": Memory(
        lambda rng, split: str(rng.choice((rng.randint(1, 99), rng.randint(100, 9999)))),
        wordings("recall.number_said"),
        "I will remember the number {v}.",
        wordings("recall.number_asked"),
        "The number is {v}.",
        "You have not told me a number.",
    ),
    "word": Memory(
        lambda rng, split: words.letter_word(rng, split),
        wordings("recall.word_said"),
        "I will remember the word {v}.",
        wordings("recall.word_asked"),
        "The word is {v}.",
        "You have not told me a word.",
    ),
    "job": Memory(
        lambda rng, split: words.article(rng.choice(words.JOBS)),
        wordings("recall.job_said"),
        "I will remember that you are {v}.",
        wordings("recall.job_asked"),
        "You are {v}.",
        "You have not told me your job.",
    ),
    "hobby": Memory(
        lambda rng, split: rng.choice(words.HOBBIES),
        wordings("recall.hobby_said"),
        "I will remember that you like {v}.",
        wordings("recall.hobby_asked"),
        "You like {v}.",
        "You have not told me your hobby.",
    ),
    "food": Memory(
        lambda rng, split: rng.choice(words.FOODS),
        wordings("recall.food_said"),
        "I will remember that your favourite food is {v}.",
        wordings("recall.food_asked"),
        "Your favourite food is {v}.",
        "You have not told me your favourite food.",
    ),
}

_KIN = ["sister", "brother", "mother", "father", "friend", "son", "daughter", "teacher", "neighbour", "cousin", "boss", "aunt", "uncle"]
_ANIMALS = ["dog", "cat", "hamster", "rabbit", "parrot", "horse", "turtle", "goldfish", "pony", "mouse", "canary"]


def named(kinds, value):
    """A memory for each relative or pet, whose name is to be remembered."""
    for kind in kinds:
        yield (
            kind,
            Memory(
                value,
                wordings("recall.named_said", kind=kind),
                f"I will remember that your {kind} is called {{v}}.",
                wordings("recall.named_asked", kind=kind),
                f"Your {kind} is called {{v}}.",
                f"You have not told me the name of your {kind}.",
            ),
        )


MEMORIES |= dict(named(_KIN, names.person)) | dict(named(_ANIMALS, names.pet))

#: The nine of the user, and one of the named at random.
KINDS = ["name", "name", "city", "age", "colour", "number", "word", "job", "hobby", "food", _KIN, _ANIMALS]

FIRST = wordings("recall.first_message")

#: All short wordings of the training side.
EVERYTHING = [text for text in all_of_training() if "\n" not in text and len(text) < 90]


def several_kinds(rng, count):
    """Different kinds of memories."""
    kinds = []
    while len(kinds) < count:
        kind = rng.choice(KINDS)
        kind = rng.choice(kind) if isinstance(kind, list) else kind
        if kind not in kinds and not {"number", "word"} <= {kind, *kinds}:
            kinds.append(kind)
    return kinds


def make(rng, split):
    """A conversation in which things are said and then asked for."""
    chance = rng.random()
    if chance < (0.20 if split == TRAIN else 0.10):
        return first_message(rng, split)
    count = rng.choice((1, 1, 1, 2, 2, 3))
    kinds = several_kinds(rng, count + 1)
    absent = kinds.pop()
    values = {kind: MEMORIES[kind].value(rng, split) for kind in kinds}
    messages = []
    together = rng.random() < 0.4
    for group in [kinds] if together else [[kind] for kind in kinds]:
        said = " ".join(upper_first(MEMORIES[kind].said.pick(rng, split).format(v=values[kind])) for kind in group)
        noted = (
            MEMORIES[group[0]].noted.format(v=values[group[0]])
            if len(group) == 1
            else rng.choice(["Thank you, I will remember that.", "I will remember all of that."])
        )
        messages += [user(said), assistant(noted), GAP]
    if split == TRAIN and rng.random() < 0.12:
        kind = rng.choice(kinds)
        values[kind] = MEMORIES[kind].value(rng, split)
        again = MEMORIES[kind].said.pick(rng, split).format(v=values[kind])
        again = rng.choice(["Sorry, that was wrong. {}", "No, wait. {}", "Actually, that is wrong. {}"]).format(upper_first(again))
        messages += [user(again), assistant(MEMORIES[kind].noted.format(v=values[kind])), GAP]
    asked = rng.sample(kinds, rng.randint(1, count) if split == TRAIN else 1)
    if rng.random() < 0.12:
        asked[-1] = absent
    for kind in asked:
        memory = MEMORIES[kind]
        known = kind in values
        answer = memory.answer.format(v=values[kind]) if known else memory.missing
        expected = {"all": [values[kind]]} if known else {"any": ["not told me", "haven't told me"]}
        messages += [user(careless(rng, memory.asked.ask(rng, split), split)), assistant(answer)]
    return Sample(messages, expected)


def careless(rng, text, split):
    """A question as people type it; it holds no names."""
    if split == TRAIN and rng.random() < 0.15:
        text = text.lower()
    if split == TRAIN and rng.random() < 0.12:
        text = text.rstrip("?.")
    if split == TRAIN and rng.random() < 0.1:
        text = rng.choice(["And now: ", "Tell me, ", "OK. ", "Hey, ", "One more thing: ", "Thanks. "]) + text
    return text


def any_wording(rng):
    """What users say about anything, with anything in it."""
    template = rng.choice(EVERYTHING).rstrip(".!?")
    return upper_first(re.sub(r"\{\w+\}", lambda _: rng.choice([fresh.any_word, fresh.name, fresh.number])(rng), template))


def first_message(rng, split):
    """What the user said first, word for word."""
    kind = several_kinds(rng, 1)[0]
    memory = MEMORIES[kind]
    said = upper_first(memory.said.pick(rng, split).format(v=memory.value(rng, split)))
    if split == TRAIN and rng.random() < 0.75:
        # What is to be repeated may be anything.
        said = rng.choice([fresh.sentence, fresh.jumble, any_wording])(rng) + rng.choice(["", ".", ".", "!", "?"])
    # Of what was said only the value is in the note, which is what a note is for.
    value_noted = rng.choice(["Thank you, I will remember that.", "All right, I will remember that."])
    messages = [user(said), assistant(value_noted), GAP, user(FIRST.ask(rng, split)), assistant(f'You said: "{said}"')]
    return Sample(messages, {"all": [said.rstrip(".")]})


SKILLS = [Skill("recall", make, bar=95, weight=18)]
