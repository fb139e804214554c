"""Ways to put the same question: what stands before it, behind it, and how carelessly it is typed."""

import re

from splits import TEST

_BEFORE = ["Please: ", "Hey, ", "Hi! ", "Quick question: ", "Can you help me? ", "I have a question. ", "Tell me, ", "OK, ", "So, ", "Hello, ",
           "Next question: ", "One more: ", "Now this: ", "I would like to know: ", "Hmm, "]  # fmt: skip
_AFTER = [" Thanks!", " Please.", " Thank you.", " Just the answer, please.", " I need it for school.", " Can you tell me?"]


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


def decorate(rng, text, split, keep_case=False):
    """A question as people type it. `keep_case` where a name must be answered as it is written."""
    text = upper_first(text)
    if split == TEST:
        return text
    chance = rng.random()
    if chance < 0.15:
        text = rng.choice(_BEFORE) + (text if keep_case else lower_first(text))
    elif chance < 0.22:
        text += rng.choice(_AFTER)
    elif chance < 0.34 and text[-1] in "?.!":
        text = text[:-1]
    if not keep_case and rng.random() < 0.12:
        text = text.lower()
    return text
