"""What the model can do, one module a skill.

A module gives a list `SKILLS` of `Skill`: how to make a training sample and a test case, both from a random generator, and the bar.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from checks import check
from splits import TEST, TRAIN


@dataclass
class Sample:
    """A piece of conversation that ends with the answer that the skill is about."""

    messages: list
    #: How to judge the last answer (see checks.py).
    expected: dict = field(default_factory=dict)
    #: Tools of the conversation.
    tools: list | None = None
    #: A system prompt that the piece needs.
    system: str | None = None


@dataclass
class Skill:
    """A skill with its own bar."""

    name: str
    #: `make(rng, split)` makes a sample of a side.
    make: Callable
    #: Accuracy that the held-out set must reach, in percent; None where it is only reported.
    bar: float | None
    #: Share of the training pieces, relative to the other skills.
    weight: float
    #: Most tokens of an answer.
    longest: int = 96

    def train(self, rng):
        """A sample to learn from."""
        return self.make(rng, TRAIN)

    def test(self, rng):
        """A case of the held-out set: the last message is a right answer."""
        return self.make(rng, TEST)

    @staticmethod
    def check(answer, expected):
        """Whether an answer is right."""
        return check(answer, expected)


def user(text):
    """A message of the user."""
    return {"role": "user", "content": text}


def assistant(text):
    """A message of the assistant."""
    return {"role": "assistant", "content": text}


def exchange(question, answer, **expected):
    """A question with its answer."""
    return Sample([user(question), assistant(answer)], expected)
