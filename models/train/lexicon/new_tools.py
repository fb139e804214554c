"""Families of tools that are made up anew for each conversation, so that declarations have to be read."""

from lexicon import capitals, fresh, names
from lexicon.toolbox import Family, Parameter, clock, whole
from splits import Sides

#: What the families that only tests show are about.
_NEVER = {"hotel", "recipe", "flight"}
_VERBS = """find get check order open start count show list search rent clean move lock print buy sell watch measure update save load
repair fetch close stop mark rate follow""".split()
_STATES = "open closed ready busy free full empty broken new old lost here gone cold warm done".split()


def _noun(rng):
    while True:
        noun = fresh.any_word(rng)
        if noun not in _NEVER:
            return noun


def _parameters(rng, noun):
    """(parameter, how a request says it)"""
    unit = rng.choice("days hours weeks minutes people guests pages miles years rooms seats points".split())
    thing = rng.choice(["kind", "type", "name", "title", "item", "topic", "label", "subject", "group", "meal", fresh.any_word(rng)])
    known = [
        ("city place town location".split(), "string", capitals.city, " in {}"),
        ("person name user owner who".split(), "string", names.person, rng.choice([" for {}", " of {}", " with {}"])),
        ([unit], "integer", whole(1, 60), f" for {{}} {unit}"),
        ([noun, noun, "number", "id", f"{noun}_id"], "integer", whole(1, 9999), " {}"),
        ([thing], "string", lambda rng, split: fresh.things(rng), rng.choice([" for {}", " of {}", " about {}", " with {}"])),
        ([thing], "string", lambda rng, split: fresh.any_word(rng), rng.choice([" for {}", " of {}", " for some {}"])),
        ("time at when".split(), "string", clock, " at {}"),
    ]
    found = []
    for keys, kind, value, said in rng.sample(known, rng.choice((1, 1, 1, 2, 2))):
        key = rng.choice(keys)
        if key not in [parameter.keys[0] for parameter, _ in found]:
            about = [f"The {key}", key.capitalize(), f"Which {key}", f"{key} of the {noun}"]
            found.append((Parameter([key], kind, about, value), said.format(f"{{{key}}}")))
    # What follows the noun at once comes first.
    return sorted(found, key=lambda one: one[1][1] != "{")


def family(rng):
    """A family with one name, and its wordings."""
    noun, verb = _noun(rng), rng.choice(_VERBS)
    parameters = _parameters(rng, noun)
    said = "".join(text for _, text in parameters)
    state = rng.choice(_STATES)
    wordings = [
        f"{verb.capitalize()} the {noun}{said}.",
        f"{verb.capitalize()} a {noun}{said}.",
        f"{verb.capitalize()} me the {noun}{said}.",
        f"I need a {noun}{said}.",
        f"I need the {noun}{said}.",
        f"Which {noun} is there{said}?",
        f"Is the {noun}{said} {state}?",
        f"Is {noun}{said} {state}?",
        f"Is there a {noun}{said}?",
        f"What about the {noun}{said}?",
        f"I am looking for a {noun}{said}.",
        f"The {noun}{said}, please.",
        f"Where is the {noun}{said}?",
        f"When does {noun}{said} {rng.choice(['open', 'start', 'end', 'arrive', 'come', 'close'])}?",
        f"How is the {noun}{said}?",
        f"What is the {rng.choice(['state', 'price', 'name', 'size', 'place'])} of {noun}{said}?",
        f"I want to {verb} the {noun}{said}.",
        f"Tell me about the {noun}{said}.",
    ]
    name = rng.choice([f"{verb}_{noun}", f"{verb}_{noun}", f"{noun}_{verb}", f"{noun}_status", f"{noun}_info", f"{noun}_finder"])
    about = [f"{verb.capitalize()} a {noun}", f"{verb.capitalize()} the {noun}", f"Information about a {noun}", f"Where the {noun} is"]
    return Family(
        [name],
        about,
        [parameter for parameter, _ in parameters],
        Sides(list(dict.fromkeys(wordings)), []),
        lambda rng, arguments: {"state_now": rng.choice(_STATES)},
        f"The {noun} is {{state_now}}.",
        ["state_now"],
    )
