"""Ways to put the same question: what stands before it, behind it, and how carelessly it is typed."""

import re

from lexicon import fresh
from splits import TEST, wordings

#: What people put around questions, and around statements; training only.
BEFORE, AFTER = wordings("around.question_before").train, wordings("around.question_after").train
STATED_BEFORE, STATED_AFTER = wordings("around.statement_before").train, wordings("around.statement_after").train

_ARTICLE = re.compile(r"\b([Aa]) \{(\w+)\}")


def filled(template, **values):
    """A template with its values, and "an" for "a" before a value that begins with a vowel."""

    def article(found):
        return found[1] + ("n" if str(values[found[2]])[:1].lower() in tuple("aeiou") else "") + f" {{{found[2]}}}"

    return _ARTICLE.sub(article, template).format(**values)


def upper_first(text):
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def lower_first(text):
    """With a small first letter, unless it starts with "I" or more than one capital."""
    word = text.split(" ", 1)[0]
    return text if word in ("I", "I'm", "I've") or text[1:2].isupper() else text[:1].lower() + text[1:]


def after(opening, text, keep_case):
    """A text behind an opening, with a small first letter where the opening is no sentence of its own."""
    return f"{opening} {text if keep_case or opening[-1] in '.!?' else lower_first(text)}"


#: Words that openings are made of, besides any others.
_OPENING = """for to in on at by with from about as and so now well then please hello hi dear here just one two next again today the a an my our your
this that some any me you us question answer help time thing friend game test work quick short""".split()


def any_opening(rng):
    """What may stand before a question, whatever it says: what is asked comes after it."""
    words = [rng.choice(_OPENING) if rng.random() < 0.7 else fresh.any_word(rng) for _ in range(rng.randint(1, 4))]
    return upper_first(" ".join(words)) + rng.choice([":", ":", ":", ",", ".", "!", " -", "..."])


def ended(text):
    """With an end, so that something can follow."""
    return text if text[-1] in ".!?" else text + "."


def decorate(rng, text, split, keep_case=False):
    """A question as people type it. `keep_case` where a name must be answered as it is written."""
    text = upper_first(text)
    if split == TEST:
        return text
    chance = rng.random()
    if chance < 0.22:
        opening = rng.choice(BEFORE) if rng.random() < 0.8 else any_opening(rng)
        text = after(opening, text, keep_case or rng.random() < 0.3)
    elif chance < 0.30:
        text = f"{ended(text)} {rng.choice(AFTER)}"
    elif chance < 0.42 and text[-1] in "?.!":
        text = text[:-1]
    if not keep_case and rng.random() < 0.12:
        text = text.lower()
    return text
