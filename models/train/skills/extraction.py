"""JSON extraction: a text and a schema in, one line of JSON out.

A domain has fields and texts that mention some of them. A schema asks for some of the mentioned fields in any order, under one of their
names, and now and then for one that the text does not mention, which is null. Texts, values and ways to ask are held out.
"""

import json

from lexicon import capitals, fresh, names
from lexicon.domains import DOMAINS, price, several, title, whole
from skills import Sample, Skill, assistant, user
from splits import TRAIN, wordings
from wording import filled, upper_first

#: Prompts with a schema and a text.
ASK = wordings("json.prompt")
#: The same with the schema in the system prompt.
SYSTEM = wordings("json.system")


def short_schema(fields):
    """`{"name": "string"}`"""
    return json.dumps({key: "string[]" if kind == "array" else kind for key, kind in fields})


def full_schema(fields):
    """JSON Schema."""
    properties = {key: {"type": kind, "items": {"type": "string"}} if kind == "array" else {"type": kind} for key, kind in fields}
    return json.dumps({"type": "object", "properties": properties, "required": list(properties)})


def listed_schema(fields):
    """`name (string), age (integer)`"""
    return ", ".join(f"{key} ({kind})" for key, kind in fields)


def in_text(value):
    """A value as texts write it."""
    if isinstance(value, bool):
        return "with breakfast" if value else "without breakfast"
    if isinstance(value, list):
        return ", ".join(value[:-1]) + " and " + value[-1]
    return str(value)


def chosen(rng, mentioned, domain):
    """The fields of a schema, as (name of the field, key)."""
    wanted = rng.sample(mentioned, rng.randint(min(2, len(mentioned)), len(mentioned)))
    if rng.random() < 0.5:
        wanted.sort(key=mentioned.index)
    absent = [name for name in domain.fields if name not in mentioned and domain.fields[name].kind != "boolean"]
    if absent and rng.random() < 0.08:
        wanted.insert(rng.randint(0, len(wanted)), rng.choice(absent))
    keys = {}
    for name in wanted:
        free = [key for key in domain.fields[name].keys if key not in keys.values()]
        if free:
            keys[name] = rng.choice(free)
    return list(keys.items())


def make(rng, split):
    """A text, a schema, and the JSON."""
    if split == TRAIN and rng.random() < 0.35:
        return labelled(rng, split)
    domain = rng.choice(DOMAINS)
    text = domain.texts.pick(rng, split)
    mentioned = sorted((name for name in domain.fields if f"{{{name}}}" in text), key=lambda name: text.index(f"{{{name}}}"))
    values = {name: domain.fields[name].value(rng, split) for name in mentioned}
    if values.get("origin") is not None and values.get("origin") == values.get("goal"):
        return make(rng, split)
    text = upper_first(filled(text, **{name: in_text(value) for name, value in values.items()}))
    if split == TRAIN:
        text = surrounded(rng, text)
    schema = [(key, domain.fields[name].kind) for name, key in chosen(rng, mentioned, domain)]
    wanted = chosen_values(schema, domain, values)
    return asked(rng, split, schema, text, wanted)


def chosen_values(schema, domain, values):
    """The right JSON: each key belongs to the first mentioned field that has it."""
    wanted = {}
    for key, kind in schema:
        owners = [name for name, field in domain.fields.items() if key in field.keys and field.kind == kind]
        wanted[key] = next((values[name] for name in owners if name in values), None)
    return wanted


#: Sentences that say the value of a key.
LABELS = ["The {k} is {v}. ", "Its {k} is {v}. ", "For the {k} we have {v}. ", "We know that the {k} is {v}. ", "{v} is the {k}. ", "As {k} I wrote {v}. ",
          "Take {v} as the {k}. ", "They chose {v} for the {k}. ", "Somebody said {v} when asked for the {k}. ", "{k}: {v}. ", "With {v} as {k}. "]  # fmt: skip


def random_key(rng):
    """A key that nothing is known about."""
    key = fresh.any_word(rng)
    return key if rng.random() < 0.75 else f"{key}_{fresh.any_word(rng)}"


_FIRST = ["Hello! ", "Good news: ", "Note: ", "Look: ", "Today I heard this. ", "Just so you know: ", "News from {n}: ", "Hi {n}, ", "It is {w} here. ",
          "Read this. ", "The {w} is ready. ", "Dear {n}, "]  # fmt: skip
_LAST = [
    " That is all.",
    " Thanks!",
    " See you soon.",
    " The {w} is here.",
    " What a {w}!",
    " {n} told me.",
    " Good luck.",
    " Is that right?",
]


def surrounded(rng, text):
    """A text, at times with something around it that does not matter."""
    if rng.random() < 0.12:
        text = rng.choice(_FIRST).format(n=fresh.name(rng), w=fresh.any_word(rng)) + text
    if rng.random() < 0.08:
        text = text + ("" if text[-1] in ".!?" else ".") + rng.choice(_LAST).format(n=fresh.name(rng), w=fresh.any_word(rng))
    return text


def labelled(rng, split):
    """Any keys with any values: teaches to copy what no list knows."""
    count = rng.randint(2, 4)
    keys = []
    while len(keys) < count:
        key = random_key(rng)
        if key not in keys:
            keys.append(key)
    makers = [
        ("string", names.person),
        ("string", capitals.city),
        ("integer", whole(0, 9999)),
        ("string", lambda rng, split: fresh.any_word(rng)),
        ("string", title),
        ("string", lambda rng, split: fresh.things(rng)),
        ("string", lambda rng, split: fresh.heading(rng)),
        ("integer", whole(0, 99)),
        ("array", several(lambda rng, split: fresh.any_word(rng), 2, 4)),
        ("number", price),
        ("string", names.full),
    ]
    fields = {key: rng.choice(makers) for key in keys}
    values = {key: maker(rng, split) for key, (_, maker) in fields.items()}
    pattern = rng.choice(["The {k} is {v}. ", "{k}: {v}; ", "{k} = {v}, ", "Its {k} is {v}. ", "{k}: {v}\n", "For the {k} we have {v}. "])
    written = {key: in_text(value) for key, value in values.items()}
    if rng.random() < 0.3:
        text = "".join(rng.choice(LABELS).format(k=key.replace("_", " "), v=value) for key, value in written.items()).strip(" ;,\n")
    elif rng.random() < 0.4:
        extra = rng.choice(["{w}", "the {w}", "Our {w}", "This {w}", "{W}", "{W} {W2}"]).format(
            w=fresh.any_word(rng), W=names.person(rng, split), W2=names.surname(rng, split)
        )
        text = extra + " " + rng.choice(["has", "comes with", "got", "wants", "had", "needs", "offers", "takes", "shows", "is known for"])
        text += (
            " "
            + " and ".join(
                rng.choice(["the {k} {v}", "{k} {v}", "a {k} of {v}", "{v} as the {k}", "{v} ({k})"]).format(
                    k=key.replace("_", " "), v=value
                )
                for key, value in written.items()
            )
            + "."
        )
        text = upper_first(text)
    else:
        text = "".join(pattern.format(k=key, v=value) for key, value in written.items()).strip(" ;,\n")
    order = rng.sample(keys, rng.randint(1, count))
    return asked(rng, split, [(key, fields[key][0]) for key in order], text, {key: values[key] for key in order})


def asked(rng, split, schema, text, wanted):
    """The conversation for a schema and a text."""
    written = rng.choices([short_schema, full_schema, listed_schema], [5, 3, 2])[0](schema)
    answer = json.dumps(wanted, ensure_ascii=False)
    if rng.random() < 0.25:
        system = SYSTEM.pick(rng, split).format(schema=written)
        return Sample([user(text), assistant(answer)], {"json": wanted}, system=system)
    return Sample([user(ASK.pick(rng, split).format(schema=written, text=text)), assistant(answer)], {"json": wanted})


SKILLS = [Skill("json", make, bar=95, weight=26, longest=128)]
