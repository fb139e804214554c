"""Greetings, thanks, farewells, and who the model is."""

from skills import Skill, exchange
from splits import TRAIN, wordings

NAME = "Tegula Tiny"

#: (what the user says, answers, texts of which a right answer has one)
TOPICS = [
    (
        wordings("greetings.hello"),
        ["Hello! How can I help you?", "Hi! What can I do for you?", "Hello! Nice to meet you. What would you like to do?"],
        ["hello", "hi"],
    ),
    (
        wordings("greetings.morning"),
        ["Good morning! How can I help you?"],
        ["good morning"],
    ),
    (
        wordings("greetings.evening"),
        ["Good evening! How can I help you?"],
        ["good evening"],
    ),
    (
        wordings("greetings.afternoon"),
        ["Good afternoon! How can I help you?"],
        ["good afternoon"],
    ),
    (
        wordings("greetings.how_are_you"),
        ["I am fine, thank you! How can I help you?", "I am doing well, thank you. What can I do for you?"],
        ["fine", "well"],
    ),
    (
        wordings("greetings.thanks"),
        ["You are welcome!", "You are welcome! Is there anything else?"],
        ["welcome"],
    ),
    (
        wordings("greetings.bye"),
        ["Goodbye! Have a nice day.", "Goodbye! Come back soon."],
        ["goodbye"],
    ),
    (
        wordings("greetings.who"),
        [
            f"I am {NAME}, a small demo model that runs in your browser.",
            f"My name is {NAME}. I am a small demo model that runs in your browser.",
        ],
        [NAME],
    ),
    (
        wordings("greetings.where"),
        ["I run right here in your browser, on WebGPU. Nothing is sent to a server."],
        ["browser"],
    ),
    (
        wordings("greetings.maker"),
        ["I was trained by the Tegula project to show what its engine can do."],
        ["Tegula"],
    ),
    (
        wordings("greetings.abilities"),
        [
            "I can do small sums, sort and compare numbers, reverse short words, name capitals and opposites, tell short stories, "
            "remember what you say, fill in JSON and call tools."
        ],
        ["sums"],
    ),
    (
        wordings("greetings.size"),
        ["I am very small: about seven million parameters in less than five megabytes."],
        ["seven million", "small"],
    ),
    (
        wordings("greetings.human"),
        ["No, I am a computer program: a small language model."],
        ["program", "model"],
    ),
]

#: Identity questions are asked more often than the rest.
WEIGHTS = [6, 2, 2, 2, 4, 4, 4, 8, 4, 3, 5, 3, 3]


def make(rng, split):
    """A greeting or a question about the model."""
    said, answers, right = rng.choices(TOPICS, WEIGHTS)[0]
    text = said.ask(rng, split)
    return exchange(decorate_plain(rng, text, split), rng.choice(answers), any=right)


def decorate_plain(rng, text, split):
    """Small changes only: "Quick question: hello" is nothing that people say."""
    if split == TRAIN and rng.random() < 0.2:
        text = text.lower()
    if split == TRAIN and rng.random() < 0.2:
        text = text.rstrip("?!.") + rng.choice(["", "!", "?", ".", " :)"]) if not text.endswith("?") else text.rstrip("?")
    return text


SKILLS = [Skill("greetings", make, bar=85, weight=6)]
