"""Calling tools: choosing among two or three, filling the arguments, telling the result, and knowing when no tool is needed."""

from lexicon import fresh, new_tools, toolbox
from lexicon.tools_of_action import ACTION, NEW_FAMILIES
from lexicon.tools_of_knowledge import KNOWLEDGE
from skills import Sample, Skill, assistant, exchange, facts, greetings, user
from splits import TRAIN, items_of
from wording import decorate, upper_first

FAMILIES = KNOWLEDGE | ACTION

#: Units that go together: the only arguments that are drawn in pairs.
UNITS = [
    ("kilometers", "miles"),
    ("miles", "kilometers"),
    ("kilograms", "pounds"),
    ("pounds", "kilograms"),
    ("meters", "feet"),
    ("feet", "meters"),
    ("celsius", "fahrenheit"),
    ("liters", "gallons"),
]

OPERATORS = {"add": ["+", "plus"], "subtract": ["-", "minus"], "multiply": ["*", "times", "x"], "divide": ["/", "divided by"]}
ERRORS = ["not found", "timeout", "no connection", "service is down", "not allowed", "too many requests", "invalid value", "server error"]

NO_TOOL = "I don't know. I have no tool for that."

#: Families that could be taken for one another.
ALIKE = [
    set(pair.split())
    for pair in items_of(
        """weather time|timer alarm|alarm calendar|search news|currency units|message call|light heating|todo calendar
        |restaurant table|define translate|weather restaurant|distance units|order file"""
    )
]


def toolset(rng, families, wanted):
    """Two or three families with the wanted one among them, often with one that is like it."""
    kinds = [wanted]
    near = [kind for pair in ALIKE if wanted in pair for kind in pair - {wanted}]
    if near and rng.random() < 0.4:
        kinds.append(rng.choice(sorted(near)))
    while len(kinds) < 2 or (len(kinds) < 3 and rng.random() < 0.5):
        kind = rng.choice(list(families))
        if kind not in kinds:
            kinds.append(kind)
    rng.shuffle(kinds)
    return kinds


class Request:
    """One thing to do with a tool: its arguments, and how they are asked for."""

    def __init__(self, rng, split, family, tool, keys):
        self.family, self.tool = family, tool
        self.values = {parameter.keys[0]: parameter.value(rng, split) for parameter in family.parameters}
        if split == TRAIN:
            for parameter in family.parameters:
                value = self.values[parameter.keys[0]]
                if isinstance(value, str) and value.islower() and value.isalpha() and not parameter.choices and rng.random() < 0.3:
                    self.values[parameter.keys[0]] = fresh.any_word(rng)
        if "source" in self.values and self.values["source"] is None:
            self.values["source"], self.values["target"] = rng.choice(UNITS)
        self.arguments = {key: self.values[parameter.keys[0]] for key, parameter in zip(keys, family.parameters, strict=True)}
        written = dict(self.values)
        if "operator" in written:
            written["operator"] = rng.choice(OPERATORS[written["operator"]])
        self.text = upper_first(family.asked.ask(rng, split).format(**written))

    def call(self):
        """The assistant's message."""
        return {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": self.function()}]}

    def function(self):
        """Name and arguments."""
        return {"name": self.tool["function"]["name"], "arguments": self.arguments}

    def outcome(self, rng):
        """The message of the tool, the answer, and the check of it."""
        result = self.family.result(rng, self.values)
        known = self.values | result
        message = {"role": "tool", "content": toolbox.as_content(rng, result)}
        must = [str(known[name]) for name in self.family.must]
        return message, assistant(upper_first(self.family.told.format(**known))), {"all": must, "no_call": True}

    def failure(self, rng):
        """The same where the tool fails."""
        error = rng.choice(ERRORS)
        message = {"role": "tool", "content": rng.choice(['{{"error": "{0}"}}', "error: {0}", "Error: {0}"]).format(error)}
        return message, assistant(f"Sorry, that did not work: {error}."), {"all": [error], "no_call": True}


def declared(rng, families, kinds):
    """Declarations of tools, with keys of the parameters, by family."""
    made = {}
    for kind in kinds:
        while kind not in made or any(
            made[kind][0]["function"]["name"] == made[other][0]["function"]["name"] for other in made if other != kind
        ):
            made[kind] = toolbox.declare(rng, families[kind])
    return made


def lacking(rng, made):
    """A family that none of these tools is like, or None."""
    near = set().union(*made, *(pair for pair in ALIKE if pair & set(made)))
    free = [kind for kind in FAMILIES if kind not in near | {"calculator"}]
    return None if "search" in made or not free else rng.choice(free)


def plain(rng, split):
    """A turn that needs no tool."""
    skill = rng.choice([greetings.SKILLS[0], *facts.SKILLS])
    piece = skill.make(rng, split)
    return piece.messages, piece.expected | {"no_call": True}


#: Names of tools that are no invention.
_TAKEN = frozenset(name for family in (FAMILIES | NEW_FAMILIES).values() for name in family.names)


def new_families(rng, count):
    """Invented families, by kind. Each has but one name, so they must differ from each other and from all known ones: `declared` could not
    tell them apart by drawing again."""
    found = {}
    while len(found) < count:
        family = new_tools.family(rng)
        found.setdefault(family.names[0], family)
        if family.names[0] in _TAKEN:
            del found[family.names[0]]
    return {f"new {name}": family for name, family in found.items()}


def calling(families):
    """Makes conversations whose last answer is a call, or seldom one that needs none."""

    def make(rng, split):
        known = families | FAMILIES
        wanted = rng.choice(list(families))
        if split == TRAIN and rng.random() < 0.45:
            extra = new_families(rng, rng.randint(1, 3))
            known = known | extra
            wanted = rng.choice(list(extra))
        made = declared(rng, known, toolset(rng, known, wanted))
        tools = [tool for tool, _ in made.values()]
        messages, expected = [], None
        turns = 1 if families is not FAMILIES else rng.choice((1, 1, 2, 3)) if split == TRAIN else rng.choice((1, 1, 1, 2))
        for turn in range(turns):
            last = turn == turns - 1
            if families is FAMILIES and rng.random() < 0.12:
                said, expected = plain(rng, split)
                messages += said
                continue
            absent = lacking(rng, made) if families is FAMILIES and rng.random() < 0.05 else None
            if absent:
                request = Request(rng, split, FAMILIES[absent], *toolbox.declare(rng, FAMILIES[absent]))
                messages += [user(request.text), assistant(NO_TOOL)]
                expected = {"any": ["don't know", "no tool"], "no_call": True}
                continue
            kind = wanted if last else rng.choice([kind for kind in made if kind in FAMILIES or split == TRAIN])
            request = Request(rng, split if kind in families else TRAIN, known[kind], *made[kind])
            text = request.text
            messages += [user(decorate(rng, text, split, keep_case=True) if rng.random() < 0.5 else text), request.call()]
            expected = {"call": request.function()}
            if not last or (split == TRAIN and rng.random() < 0.75):
                message, answer, expected = request.failure(rng) if rng.random() < 0.06 else request.outcome(rng)
                messages += [message, answer]
        return Sample(messages, expected, tools=tools)

    return make


def answering(rng, split):
    """A conversation whose last answer tells what a tool returned."""
    wanted = rng.choice(list(FAMILIES))
    made = declared(rng, FAMILIES, toolset(rng, FAMILIES, wanted))
    request = Request(rng, split, FAMILIES[wanted], *made[wanted])
    message, answer, expected = request.failure(rng) if rng.random() < 0.06 else request.outcome(rng)
    messages = [user(request.text), request.call(), message, answer]
    return Sample(messages, expected, tools=[tool for tool, _ in made.values()])


def without_training(rng, split):
    """Families that training never shows; there is nothing to train."""
    if split == TRAIN:
        return exchange("Hi", "Hello! How can I help you?", any=["hello"])
    return calling(NEW_FAMILIES)(rng, split)


SKILLS = [
    Skill("tool_calls", calling(FAMILIES), bar=95, weight=22, longest=128),
    Skill("tool_answers", answering, bar=95, weight=9),
    Skill("tool_calls_new", without_training, bar=None, weight=0, longest=128),
]
