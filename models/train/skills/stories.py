"""Short stories with the characters that the user names.

What is held out are the names and the wordings; the plots are those of `lexicon.plots`.
"""

from lexicon import names, plots
from lexicon.words import article
from skills import Skill, exchange
from splits import TEST, TRAIN, items_of, wordings
from wording import upper_first

KINDS = """fox owl bear mouse rabbit cat dog frog hedgehog squirrel turtle goose pig horse lion tiger elephant penguin wolf badger
duck crow donkey goat robot knight wizard pirate princess giant witch farmer sailor baker dragon""".split()

#: The nameless friend of a story with one name.
OTHERS = [
    "an old turtle",
    "a wise owl",
    "a little snail",
    "a grey donkey",
    "a friendly giant",
    "a small mouse",
    "a clever crow",
    "an old sailor",
]

ASK = wordings("stories.ask")
ABOUT = wordings("stories.about")
WITHOUT_NAMES = items_of(
    """Tell me a story.|Tell me a story!|Write a short story.|Can you tell me a story?|A story, please.
|I want to hear a story.|Make up a story.|Tell a bedtime story.|Do you know a story?|Please tell me a short story.|Story time!
|Another story, please."""
)

PRONOUNS = [{"he": "he", "his": "his", "him": "him"}, {"he": "she", "his": "her", "him": "her"}]


def character(rng, split):
    """A name with its pronouns."""
    if rng.random() < 0.3:
        return (names.PETS.pick(rng, split) if split == TEST or rng.random() < 0.5 else names.invented(rng, TRAIN)), rng.choice(PRONOUNS)
    if split == TRAIN and rng.random() < 0.4:
        return names.invented(rng, TRAIN), rng.choice(PRONOUNS)
    girl = rng.random() < 0.5
    return (names.girl if girl else names.boy)(rng, split), PRONOUNS[girl]


def tell(rng, a, b, kind_a, kind_b, he, plot, alone):
    """The story of a plot: `a` and `b` are how the text calls the two, `kind_a` and `kind_b` how it introduces them."""
    slots, beats = plots.PLOTS[plot]
    known = {slot: rng.choice(values) for slot, values in slots.items()}
    known |= he | {"A": a, "B": b, "kindA": kind_a, "kindB": kind_b, "place": rng.choice(plots.PLACES), "day": rng.choice(plots.DAYS)}
    opening = rng.choice(plots.OPENINGS_ONE if alone else plots.OPENINGS_TWO)
    chain = [opening, rng.choice(plots.FRIENDSHIP), *map(rng.choice, beats), rng.choice(plots.ENDINGS)]
    return " ".join(sentences(text.format(**known)) for text in chain)


def sentences(text):
    """A beat with capital letters where sentences start: a nameless friend is "the old turtle" within them."""
    for mark in (". ", "! ", "? ", '"'):
        parts = text.split(mark)
        text = mark.join(
            [parts[0]] + [upper_first(part) if mark != '"' and part.startswith(("the ", "a ", "an ")) else part for part in parts[1:]]
        )
    return upper_first(text)


def make(rng, split):
    """A wish for a story, and the story."""
    if split == TRAIN and rng.random() < 0.1:
        (a, he), (b, _) = character(rng, split), character(rng, split)
        if a == b:
            return make(rng, split)
        kind_a, kind_b = (f"{article(rng.choice(KINDS))} named {name}" for name in (a, b))
        return exchange(rng.choice(WITHOUT_NAMES), tell(rng, a, b, kind_a, kind_b, he, rng.choice(list(plots.PLOTS)), False))
    (a, he), (b, _) = character(rng, split), character(rng, split)
    if a == b:
        return make(rng, split)
    alone = rng.random() < 0.25
    called = rng.choice(["named", "called"])
    animals = rng.random() < 0.65
    if alone:
        friend = rng.choice(OTHERS)
        who = kind_a = f"{article(rng.choice(KINDS))} {called} {a}" if animals else a
        kind_b, b = friend, "the " + friend.split(" ", 1)[1]
    else:
        kind_a, kind_b = (f"{article(rng.choice(KINDS))} {called} {name}" if animals else name for name in (a, b))
        who = f"{kind_a} and {kind_b}"
    plot = rng.choice(list(plots.PLOTS))
    text = ASK.pick(rng, split).format(who=who)
    if rng.random() < 0.35:
        stem, mark = (text[:-1], text[-1]) if text[-1] in ".?" else (text, "")
        about = ABOUT.pick(rng, split)
        text = stem + (" and {plot}" if mark == "?" and split == TRAIN else about).format(plot=plot) + (mark if about[0] != "." else ".")
    story = tell(rng, a, b, kind_a, kind_b, he, plot, alone)
    named = [a] if alone else [a, b]
    foreign = [
        name for name in names.PETS.train[:10] + names.GIRLS.train[:10] + names.BOYS.train[:10] if name not in named and name not in text
    ]
    return exchange(text, story, story={"names": named, "foreign": foreign, "words": 100})


SKILLS = [Skill("stories", make, bar=85, weight=8, longest=360)]
