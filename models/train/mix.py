"""Conversations: pieces of several skills, one after the other, under varying system prompts."""

import random

from skills import Sample, arithmetic, extraction, facts, greetings, letters, numbers, recall, stories, tools, unknown
from skills.recall import GAP
from splits import TEST, TRAIN, Sides

MODULES = [greetings, arithmetic, numbers, letters, facts, stories, recall, extraction, tools, unknown]
SKILLS = [skill for module in MODULES for skill in module.SKILLS]
BY_NAME = {skill.name: skill for skill in SKILLS}

#: Skills whose pieces may stand in any conversation: each is a question that needs nothing else.
FREE = [skill for module in (greetings, arithmetic, numbers, letters, facts, unknown) for skill in module.SKILLS]

SYSTEM = Sides(
    [
        "You are Tegula Tiny, a small demo model that runs in the browser.",
        "You are a helpful assistant.",
        "You are Tegula Tiny.",
        "You are a friendly assistant.",
        "You are a small model. Answer briefly.",
        "Answer the user's questions.",
        "You are an assistant that runs in the browser.",
        "Be kind and helpful.",
        "You are a chat model. Be honest about what you do not know.",
        "You are an AI assistant.",
        "Help the user.",
        "You are a helpful, honest assistant. Keep your answers short.",
    ],
    [
        "You are Tegula Tiny, a helpful assistant.",
        "You are a small assistant that runs in the browser. Answer briefly.",
        "Be friendly and keep your answers short.",
    ],
)

#: How often a turn between others is a story, which is long.
STORY_BETWEEN = 0.04


def system(rng, split):
    """A system prompt, or None. A third of the conversations has one."""
    return SYSTEM.pick(rng, split) if rng.random() < 0.35 else None


def free(rng):
    """A piece for any conversation, of the training side: also in tests, where it stands before what is tested."""
    if rng.random() < STORY_BETWEEN:
        return stories.SKILLS[0].train(rng).messages
    return rng.choices(FREE, [skill.weight for skill in FREE])[0].train(rng).messages


def filled(rng, messages, most):
    """Puts other turns where a piece has gaps."""
    out = []
    for message in messages:
        if message is GAP:
            for _ in range(rng.choice((0, 0, 1, 1, 2, most))):
                out += free(rng)
        else:
            out.append(message)
    return out


def opened(rng, split, messages, wanted):
    """With a system prompt: the wanted one, or any or none."""
    text = wanted or system(rng, split)
    return ([{"role": "system", "content": text}] if text else []) + messages


def training(rng):
    """A conversation to learn from: (messages, tools)."""
    skill = rng.choices(SKILLS, [skill.weight for skill in SKILLS])[0]
    sample = skill.train(rng)
    messages = filled(rng, sample.messages, 3)
    if sample.tools or sample.system:
        # One more text for the same schema would need the same fields; tools have turns of their own.
        return opened(rng, TRAIN, messages, sample.system), sample.tools
    if skill.name == "recall":
        return opened(rng, TRAIN, messages + (free(rng) if rng.random() < 0.1 else []), None), None
    turns = rng.choice((0, 0, 1, 1, 2, 3, 4, 5)) if skill.name not in ("stories", "json") else rng.choice((0, 0, 0, 1, 2))
    pieces = [messages] + [same_or_free(rng, skill) for _ in range(turns)]
    rng.shuffle(pieces)
    return opened(rng, TRAIN, [message for piece in pieces for message in piece], None), None


def same_or_free(rng, skill):
    """One more piece, often of the same skill: people ask for several sums in a row."""
    return skill.train(rng).messages if skill in FREE and rng.random() < 0.3 else free(rng)


def testing(skill, rng):
    """A case of a held-out set: a sample whose messages are the whole prompt and, last, a right answer."""
    sample = skill.test(rng)
    # Turns between are drawn apart, so that what training makes does not decide which cases are tested.
    other = random.Random(rng.random())
    messages = filled(other, sample.messages, 2)
    before = []
    if not sample.tools and not sample.system and skill.name != "recall" and rng.random() < 0.25:
        before = free(other)
    return Sample(opened(rng, TEST, before + messages, sample.system), sample.expected, sample.tools)
