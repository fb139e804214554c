"""JSON extraction: a text and a schema in, one line of JSON out.

A domain has fields and texts that mention some of them. A schema asks for some of the mentioned fields in any order, under one of their
names, and now and then for one that the text does not mention, which is null. Texts, values and ways to ask are held out.
"""

import json

from lexicon import capitals, fresh, names
from lexicon.domains import DOMAINS, price, several, title, whole
from rephrase import plain
from skills import Sample, Skill, assistant, user
from splits import TRAIN, wordings
from wording import STATED_AFTER, STATED_BEFORE, after, ended, filled, upper_first

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
    begins_with_value = text.startswith("{")
    text = upper_first(filled(text, **{name: in_text(value) for name, value in values.items()}))
    if split == TRAIN:
        text = surrounded(rng, text, begins_with_value)
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


def surrounded(rng, text, begins_with_value):
    """A text, at times with something around it that does not matter."""
    if rng.random() < 0.2:
        text = after(rng.choice(STATED_BEFORE), text, begins_with_value)
    elif rng.random() < 0.1:
        text = (
            rng.choice(["Hi {n}, ", "News from {n}: ", "The {w} is ready. ", "Dear {n}, ", "It is {w} here. ", "{n}: "]).format(
                n=fresh.name(rng), w=fresh.any_word(rng)
            )
            + text
        )
    if rng.random() < 0.12:
        text = f"{ended(text)} {rng.choice(STATED_AFTER)}"
    elif rng.random() < 0.05:
        text = ended(text) + rng.choice([" The {w} is here.", " What a {w}!", " {n} told me.", " {n}"]).format(
            n=fresh.name(rng), w=fresh.any_word(rng)
        )
    return text


#: Words that stand before a schema or a text, whatever they mean: a schema is known by its form.
_SMALL = """a an the this that these to into with of for from in on by as like using per via under after about and or then here below above
please now want need give make take put use fill read find return write extract convert describe answer output input text note message
sentence JSON object schema fields keys format shape form structure data values columns""".split()


def loose_prompt(rng):
    """A prompt of any words: a schema and a text in some order, however they are introduced."""

    def words(least, most):
        return " ".join(rng.choice(_SMALL) if rng.random() < 0.8 else fresh.any_word(rng) for _ in range(rng.randint(least, most)))

    parts = ["{schema}", "{text}"] if rng.random() < 0.6 else ["{text}", "{schema}"]
    out = upper_first(words(0, 7))
    for part in parts:
        out += ("" if not out or out[-1] == "\n" else rng.choice([" ", " ", ": ", ":\n", "\n", " - ", " = ", "; ", "?\n", ".\n"])) + part
        out += rng.choice(["\n", "\n\n", ". ", " ", "; "]) if part == parts[0] else ""
        if rng.random() < 0.6:
            out += (" " if out[-1] not in "\n " else "") + words(1, 4) if part != "{text}" or rng.random() < 0.3 else ""
    return out.strip()


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
    prompt = ASK.pick(rng, split)
    if split == TRAIN and rng.random() < 0.25:
        loose = loose_prompt(rng)
        prompt = prompt if plain(loose) in ASK.plain_test else loose
    return Sample([user(prompt.format(schema=written, text=text)), assistant(answer)], {"json": wanted})


SKILLS = [Skill("json", make, bar=95, weight=64, longest=128)]
