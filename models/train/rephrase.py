"""Other ways to put a wording of the training side: "Set an alarm." is also "Would you set an alarm?"

Works on templates, before names and numbers are filled in, so that a wording that is held out can be recognised and is never made.
"""

import re

_ORDER = """add calculate compute solve find tell give say name count spell write reverse subtract take multiply set start wake remind put
schedule create plan search look translate convert change exchange play turn switch heat make book reserve send text let message call get
check read open show order draw pick choose sort arrange list define explain track note work repeat define dial ring rate keep remember
sum buy bring rent print move lock measure clean watch turn split flip log""".split()
_ASK_TO = ["Could you {}?", "Can you {}?", "Would you {}?", "Can you please {}?", "Could you please {}?", "Please {}.", "I want you to {}.",
           "I would like you to {}.", "I need you to {}.", "Will you {}?", "Now please {}.", "Would you mind? {}."]  # fmt: skip
_TELL = ["Could you tell me {}?", "Can you tell me {}?", "Please tell me {}.", "Tell me {}.", "I want to know {}.", "I would like to know {}.",
         "Do you know {}?", "I wonder {}.", "Would you tell me {}?", "Can you say {}?", "Please say {}.", "Let me know {}.",
         "I need to know {}.", "Could you say {}?"]  # fmt: skip
_BEFORE = ["Could you tell me: {}", "Can you help? {}", "A question: {}", "I want to know this: {}", "Tell me this: {}", "Could you help me? {}",
           "I am curious: {}", "Please answer: {}", "Listen: {}", "Here is what I need: {}"]  # fmt: skip
_IS = re.compile(r"^(What|Where|Who|How much|How old|How long|How high|How many)(?: (is|was|are)|('s)) (.+)\?$")
_DO_I = re.compile(r"^(.+?) (?:do|does) (I|you|we) (.+)\?$")
_AM_I = re.compile(r"^(.+) (am I|are you)\?$")
_DID_I = re.compile(r"^(.+?) did I (say|tell|give|write|ask|choose|mention)( .+)?\?$")
_PAST = {"say": "said", "tell": "told", "give": "gave", "write": "wrote", "ask": "asked", "choose": "chose", "mention": "mentioned"}


def plain(text):
    """What two templates must share to be the same wording."""
    return re.sub(r"[^\w{}+*/ -]", "", text).lower().strip()


def lower(text):
    """With a small first letter, where that is no name or "I"."""
    return text if text.startswith(("{", "I ", "I'")) else text[:1].lower() + text[1:]


def others(rng, text):
    """One other way to put a template, or None."""
    first = text.split(" ", 1)[0].lower()
    if "\n" in text:
        return None
    if first in _ORDER and text[-1:] in ".}" and ". " not in text and "?" not in text and ":" not in text:
        return rng.choice(_ASK_TO).format(lower(text).rstrip("."))
    if first == "i" and rng.random() < 0.6:
        return None
    clause = indirect(text)
    if clause and rng.random() < 0.8:
        return rng.choice(_TELL).format(clause)
    if text[-1:] == "?":
        return rng.choice(_BEFORE).format(lower(text))
    return None


def indirect(text):
    """A question as a part of a sentence, or None."""
    if ". " in text or ", " in text:
        return None
    if found := _DID_I.match(text):
        return lower(f"{found[1]} I {_PAST[found[2]]}{found[3] or ''}")
    if found := _DO_I.match(text):
        return lower(f"{found[1]} {found[2]} {found[3]}")
    if found := _AM_I.match(text):
        return lower(f"{found[1]} {'I am' if found[2] == 'am I' else 'you are'}")
    if (found := _IS.match(text)) and len(found[4].split()) < 7:
        rest = found[4]
        # "Who is talking to you?" asks about the rest, not about what it is.
        if rest.split()[0].endswith("ing") or any(
            word in rest.split() for word in ("when", "that", "again", "if", "does", "called", "named", "spelled")
        ):
            return None
        return lower(f"{found[1]} {rest} {found[2] or 'is'}")
    return None


def rephrase(rng, text, held_out):
    """A template, at times in other words, but never in words that are held out."""
    if rng.random() < 0.7:
        return text
    other = others(rng, text)
    return text if other is None or plain(other) in held_out else other
