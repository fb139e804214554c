"""Families of tools: how a tool may be declared, asked for, what it returns, and how that is told.

Names, descriptions and parameters vary, so that a model has to read a declaration to call the tool. Wordings use the parameters by their
first name; `result` and `told` say what the tool returns and what the user hears.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from lexicon import fresh
from splits import Sides


@dataclass
class Parameter:
    """An argument: its names, JSON type, descriptions, and how it is drawn."""

    keys: list
    kind: str
    about: list
    value: Callable
    choices: list | None = None


@dataclass
class Family:
    """Tools that do the same."""

    names: list
    about: list
    parameters: list
    asked: Sides
    #: `result(rng, arguments by first name)`: members of the result.
    result: Callable
    #: Told to the user, with arguments and members of the result by name.
    told: str
    #: Members of the result and arguments that must be told.
    must: list = field(default_factory=list)


def any_of(items):
    """Draws from a list."""
    return lambda rng, split: rng.choice(items)


def whole(low, high):
    """Draws a whole number."""
    return lambda rng, split: rng.randint(low, high)


def clock(rng, split=None):
    """A time of the day."""
    return f"{rng.randint(0, 23):02}:{rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)):02}"


CITY = ["The city", "Name of the city", "City name", "The name of a city"]

TEXTS = fresh.Open(
    """I will be late|See you soon|The meeting is over|Call me back|Dinner is ready|Happy birthday|I am at the station
    |Please bring milk|Good luck today|The train is late|Thank you for the book|We won the game|I forgot my key
    |Let us meet at noon|The package is here|Good night|I miss you|Come home early|See you on Monday""",
    "Lunch is on the table|I lost my ticket|The show starts soon|Please buy bread|I am on my way home|See you at the park",
    fresh.sentence,
)

TOPICS = fresh.Open(
    """roof tiles|old trains|black holes|wild horses|paper planes|cheap flights|garden birds|sea shells|tea pots|solar power
    |stone bridges|folk songs|desert plants|space travel|chess rules|bread recipes|electric cars|hiking trails""",
    "steam engines|coral reefs|card games|mountain huts|clay pots|winter tyres",
    fresh.things,
)


def declare(rng, family):
    """A declaration of a tool, in the form of OpenAI, and the key of each parameter."""
    keys, properties, required = [], {}, []
    for parameter in family.parameters:
        key = rng.choice([key for key in parameter.keys if key not in keys])
        keys.append(key)
        schema = {"type": parameter.kind}
        if rng.random() < 0.7:
            schema["description"] = rng.choice(parameter.about)
        if parameter.choices:
            schema["enum"] = parameter.choices
        properties[key] = dict(sorted(schema.items())) if rng.random() < 0.3 else schema
        required.append(key)
    parameters = {"type": "object", "properties": properties, "required": required}
    order = rng.random()
    if order < 0.25:
        # As a serializer that sorts its keys would write it.
        parameters = {"properties": properties, "required": required, "type": "object"}
    elif order < 0.35:
        del parameters["required"]
    function = {"name": rng.choice(family.names), "description": rng.choice(family.about), "parameters": parameters}
    return {"type": "function", "function": function}, keys


def as_content(rng, result):
    """A result as a tool returns it: mostly JSON."""
    if rng.random() < 0.8:
        return json.dumps(result)
    return ", ".join(f"{key}: {value}" for key, value in result.items())
