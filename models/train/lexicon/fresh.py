"""Words and names that no list has: material that can only be copied.

A model that sees the same few hundred names learns them by heart. Here are enough of them, of enough shapes, that it learns to copy. Nothing
that tests draw from is ever made: lists of the held-out side are reserved.
"""

from splits import TRAIN, Sides

_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_VOWELS = "a e i o u y a e i o u ai au ea ee ei ia ie io oa oo ou ue".split()
_ONSETS = """b c d f g h j k l m n p q r s t v w x y z bl br ch cl cr dr fl fr gh gl gr kl kn kr ph pl pr qu rh sc sch sh sk sl sm sn sp
st str sw th thr tr tw wh wr zh""".split()
_CODAS = """b c d f g k l m n p r s t v x z ck ff ft ld lf ll lm lt mb mm mp nd ng nk nn nt pp rb rd rg rk rl rm rn rs rt sh sk ss st
tch th tt wn""".split()
#: Letters of other languages, which names have now and then.
_ACCENTED = {
    "a": "áàâäãå",
    "c": "çć",
    "e": "éèêë",
    "i": "íîï",
    "l": "ł",
    "n": "ñń",
    "o": "óôöõø",
    "s": "šş",
    "u": "úùûü",
    "y": "ý",
    "z": "žż",
}
#: What only tests say, in small letters.
RESERVED = set()


def reserve(items):
    """Keeps what tests draw from out of what is made here: the whole, and longer words of it."""
    for item in items:
        RESERVED.add(item.lower())
        RESERVED.update(part.strip(".,").lower() for part in item.split() if len(part) > 4 and part[:1].isupper())


def free(make):
    """Something that is not reserved."""
    while True:
        made = make()
        if made.lower() not in RESERVED:
            return made


def _syllable(rng):
    onset = rng.choice(_ONSETS) if rng.random() < 0.75 else ""
    return onset + rng.choice(_VOWELS) + (rng.choice(_CODAS) if rng.random() < 0.45 else "")


def _letters(rng):
    """A word of any shape."""
    chance = rng.random()
    if chance < 0.5:
        return "".join(_syllable(rng) for _ in range(rng.choice((1, 2, 2, 2, 3, 3))))
    if chance < 0.65:
        return "".join(rng.choice(_ALPHABET) + rng.choice("aeiouaeiourlnst") for _ in range(rng.randint(2, 4)))
    from lexicon.words import WORDS

    return _spliced(rng, WORDS)


def _spliced(rng, words):
    """The beginning of a word and the end of another: what begins like something known need not go on like it."""
    start, end = rng.choice(words), rng.choice(words)
    return start[: rng.randint(1, max(4, len(start) - 1))] + end[-rng.randint(2, 5) :]


def word(rng):
    """A word in small letters."""
    return free(lambda: _letters(rng)[:11])


def name(rng):
    """A name; each letter begins one now and then."""

    from lexicon.names import REAL

    def make():
        if rng.random() < 0.4:
            letters = _spliced(rng, REAL).lower()[:12]
        else:
            letters = _letters(rng)[:11]
            if rng.random() < 0.3:
                letters = rng.choice(_ALPHABET) + letters
        if rng.random() < 0.12:
            at = rng.randrange(len(letters))
            letters = letters[:at] + rng.choice(_ACCENTED.get(letters[at], letters[at])) + letters[at + 1 :]
        return letters.capitalize()

    return free(make)


def any_word(rng):
    """A word of the dictionary, or a new one."""
    from lexicon.words import WORDS

    return rng.choice(WORDS) if rng.random() < 0.55 else word(rng)


def things(rng):
    """Two or three words, mostly a plural: what one may look for."""

    def make():
        count = rng.choice((1, 2, 2, 2, 3))
        said = " ".join(any_word(rng) for _ in range(count))
        return said + "s" if rng.random() < 0.6 and said[-1] != "s" else said

    return free(make)


_DO = """buy clean call find wash read write fix check send bring take open close move paint cook plan book return order change draw pack
answer finish start learn visit show build cut fill mix fold hang""".split()


def task(rng):
    """Something to do."""
    return free(lambda: f"{rng.choice(_DO)} {rng.choice(['the ', 'the ', 'a ', 'my ', '', '', 'new ', 'some '])}{things(rng)}")


def heading(rng):
    """A title of one to three words."""
    return free(lambda: " ".join(any_word(rng).capitalize() for _ in range(rng.choice((1, 2, 2, 2, 3)))))


def sentence(rng):
    """Something to tell somebody."""

    def make():
        shapes = ["the {a} is {b}", "please {t}", "I saw the {a}", "we {t} at {b}", "my {a} is in the {b}", "you can {t} now", "I will {t}",
                  "there is {a} on the {b}", "do not forget the {a}", "I lost the {a} and the {b}"]  # fmt: skip
        said = rng.choice(shapes).format(a=any_word(rng), b=any_word(rng), t=task(rng))
        return said[:1].upper() + said[1:]

    return free(make)


def number(rng):
    """A number of any length, in digits."""
    return str(rng.randint(0, 10 ** rng.randint(1, 4)))


def jumble(rng):
    """Words without sense, which nothing but copying can repeat."""

    def make():
        drawn = [rng.choice([any_word, any_word, any_word, name, number])(rng) for _ in range(rng.randint(2, 9))]
        if rng.random() < 0.3:
            drawn[rng.randrange(len(drawn))] += ","
        said = " ".join(drawn).strip(",")
        return said[:1].upper() + said[1:]

    return free(make)


class Open(Sides):
    """Two lists, of which training's is without end: `make(rng)` makes more."""

    def __init__(self, train, test, make, share=0.65):
        super().__init__(train, test)
        self.make, self.share = make, share
        reserve(self.test)

    def pick(self, rng, split):
        """One item of a side."""
        return self.make(rng) if split == TRAIN and rng.random() < self.share else super().pick(rng, split)

    def several(self, rng, split, count):
        """Different items of a side."""
        found = []
        while len(found) < count:
            item = self.pick(rng, split)
            if item not in found:
                found.append(item)
        return found
