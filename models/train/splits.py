"""Which material trains the model and which is held out to test it.

A skill is measured on templates, names and numbers that training never shows. Lists of names and phrasings are written twice, one list a
side. Numbers and words are too many to list: a hash of them decides, so that every module agrees on the side without sharing state.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

from rephrase import plain, rephrase

TRAIN = "train"
TEST = "test"

#: Attempts to draw something of the wanted side. With one in ten held out, a draw fails this often with a chance of about 1e-45.
ATTEMPTS = 1000


def held_out(*key, percent=10):
    """Whether `key` (a tuple of words and numbers) belongs to the test side, which gets `percent` of all keys."""
    digest = hashlib.blake2b(repr(key).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 100 < percent


def draw(split, make, key, percent=10):
    """Calls `make` until what it makes has a `key` of the wanted side."""
    for _ in range(ATTEMPTS):
        made = make()
        if held_out(*key(made), percent=percent) == (split == TEST):
            return made
    raise ValueError(f"nothing of the {split} side in {ATTEMPTS} draws, such as {made!r}: widen what is drawn from")


def items_of(written):
    """The items of a list, or of a text with bars between them."""
    return [item.strip() for item in written.split("|")] if isinstance(written, str) else list(written)


PLACEHOLDER = re.compile(r"\{(\w+)\}")
PHRASE = re.compile(r"\[(\w+)\]")


class Sides:
    """Two lists, one a side, from which `pick` draws. A list may be written as one text, with bars between its items.

    `phrases` are lists of parts that items of the training side may name: "[who] is here." takes any of `phrases["who"]`. Such items are
    frames, and kept apart from `train`.
    """

    def __init__(self, train, test, phrases=None):
        train, test = map(items_of, (train, test))
        shared = set(map(repr, train)) & set(map(repr, test))
        if shared:
            raise ValueError(f"on both sides: {sorted(shared)}")
        self.phrases = phrases or {}
        self.frames = [item for item in train if self.phrases and any(name in self.phrases for name in PHRASE.findall(item))]
        self.train, self.test = [item for item in train if item not in self.frames], test
        named = [set(PLACEHOLDER.findall(item)) for item in self.train] if self.frames else [set()]
        self.needed, self.fewest = set.intersection(*named), min(map(len, named))
        self.plain_test = frozenset(plain(item) for item in test if isinstance(item, str))

    def of(self, split):
        """The list of a side."""
        return self.test if split == TEST else self.train

    def pick(self, rng, split):
        """One item of a side, whole. Half of those of a list with phrases are composed."""
        if split == TRAIN and self.frames and rng.random() < 0.5:
            for _ in range(ATTEMPTS):
                if text := self.composed(rng, rng.choice(self.frames)):
                    return text
            raise ValueError(f"phrases and frames do not go together: {self.frames[0]!r} and {len(self.frames) - 1} more")
        return rng.choice(self.of(split))

    def composed(self, rng, frame):
        """A frame with phrases in it, or None where those that were drawn do not go together: where they name a thing twice or fewer things
        than items of the list do, or make a wording that is held out."""

        def phrase(found):
            text = rng.choice(self.phrases[found[1]])
            before = frame[: found.start()].rstrip()
            return text[:1].upper() + text[1:] if before == "" or before[-1] in ".!?" else text

        text = PHRASE.sub(phrase, frame)
        named = PLACEHOLDER.findall(text)
        fits = len(named) == len(set(named)) >= self.fewest and self.needed <= set(named)
        return text if fits and plain(text) not in self.plain_test else None

    def ask(self, rng, split):
        """One template of a side, in training also in other words that are not held out either."""
        template = self.pick(rng, split)
        return template if split == TEST else rephrase(rng, template, self.plain_test)

    def several(self, rng, split, count):
        """Different items of a side."""
        return rng.sample(self.of(split), count)


@cache
def _wordings_of(side, module):
    """The lists of a file of wordings, by name: see wordings/README.md."""
    lists, current = {}, None
    path = Path(__file__).parent / "wordings" / side / f"{module}.txt"
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        if line.startswith("# "):
            current = lists.setdefault(line[2:].strip(), [])
        elif line.strip():
            # A space at the start may belong to a wording: some are appended to others.
            current.append(line.rstrip().replace("\\n", "\n"))
    return lists


def wordings(name, **known):
    """The two sides of a list of wordings, such as `recall.city_said`. `known` fills in placeholders that the whole list shares.

    Where a training wording is one that is held out, punctuation apart, training does without it: the sides are not
    written in view of each other, so it happens.
    """
    module, key = name.split(".", 1)
    train, test = ([_filled(text, known) for text in _wordings_of(side, module).get(key, [])] for side in (TRAIN, "heldout"))
    phrases = {part.removeprefix(f"{key}."): items for part, items in _wordings_of(TRAIN, module).items() if part.startswith(f"{key}.")}
    held_out_too = {plain(text) for text in test}
    return Sides([text for text in train if plain(text) not in held_out_too], test, phrases)


def all_of_training():
    """Every whole wording of the training side that no test has."""
    files = sorted(path.stem for path in (Path(__file__).parent / "wordings" / TRAIN).glob("*.txt"))
    sides = [wordings(f"{module}.{key}") for module in files for key in _wordings_of(TRAIN, module) if "." not in key]
    return [text for side in sides for text in side.train]


def _filled(text, known):
    for placeholder, value in known.items():
        text = text.replace(f"{{{placeholder}}}", value)
    return text


def divide(items, label, percent=12):
    """Divides a list by the hash of its items. `label` keeps divisions of the same items for different skills apart."""
    items = list(items)
    test = [item for item in items if held_out(label, item, percent=percent)]
    return Sides([item for item in items if item not in set(test)], test)
