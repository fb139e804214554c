"""What JSON is extracted from: domains with their fields, and texts that mention them."""

from collections.abc import Callable
from dataclasses import dataclass

from lexicon import capitals, fresh, names, words
from splits import TRAIN, Sides, wordings


@dataclass
class Field:
    """A value that texts mention: its names in schemas, its JSON type, and how it is drawn."""

    keys: list
    kind: str
    value: Callable


@dataclass
class Domain:
    """Fields by the name that the texts use, and texts."""

    fields: dict
    texts: Sides


def whole(low, high):
    """Draws a whole number. Sizes are not held out: there are too few."""
    return lambda rng, split: rng.randint(low, high)


def one_of(items):
    """Draws from a list of common words."""
    return lambda rng, split: fresh.any_word(rng) if split == TRAIN and rng.random() < 0.3 else rng.choice(items)


def price(rng, split):
    """A price, whole or with cents."""
    return rng.randint(2, 300) if rng.random() < 0.5 else round(rng.randint(100, 9999) / 100 + 0.01, 2)


def clock(rng, split):
    """A time of the day."""
    return f"{rng.randint(0, 23):02}:{rng.choice((0, 5, 10, 15, 20, 30, 40, 45, 50)):02}"


def email(rng, split):
    """An address of electronic mail."""
    host = names.surname(rng, split).lower()
    return f"{names.person(rng, split).lower()}@{ascii_only(host)}.{rng.choice(['com', 'org', 'net'])}"


def ascii_only(text):
    """Without letters that an address cannot have."""
    return "".join(char if char.isascii() and char.isalnum() else "x" for char in text)


def phone(rng, split):
    """A telephone number."""
    return f"555-{rng.randint(1000, 9999)}"


def date(rng, split):
    """A day of a month."""
    return f"{rng.choice(words.MONTHS)} {rng.randint(1, 28)}"


def several(value, low, high):
    """Draws a list of different values."""

    def make(rng, split):
        found = []
        while len(found) < low:
            found = list(dict.fromkeys(value(rng, split) for _ in range(rng.randint(low, high))))
        return found

    return make


_ADJECTIVES = fresh.Open(
    "Silent Golden Hidden Lost Red Broken Distant Last Secret Quiet Burning Frozen Empty Blue Ancient Little Dark Bright Second Wild".split(),
    "Crooked Wandering Velvet Midnight Paper Hollow Northern".split(),
    lambda rng: fresh.any_word(rng).capitalize(),
)
_NOUNS = fresh.Open(
    "River Garden House Mountain Letter Winter Road Island Mirror Forest City Star Door Ocean Bridge Clock King Song Storm Key".split(),
    "Lantern Orchard Harbour Compass Staircase Violin Kingdom".split(),
    lambda rng: fresh.any_word(rng).capitalize(),
)


def title(rng, split):
    """The title of a book or film."""
    return f"The {_ADJECTIVES.pick(rng, split)} {_NOUNS.pick(rng, split)}"


def good(rng, split):
    """Something that is sold."""
    return GOODS.pick(rng, split)


GOODS = fresh.Open(
    words.GOODS,
    "umbrellas sofas lanterns kettles wallets hammers printers cameras bicycles guitars".split(),
    lambda rng: fresh.any_word(rng) + "s",
)

PERSON = {
    "name": Field(["name", "name", "person", "first_name"], "string", names.person),
    "age": Field(["age", "age", "years"], "integer", whole(3, 98)),
    "city": Field(["city", "city", "town", "home"], "string", capitals.city),
    "job": Field(["job", "job", "profession", "occupation"], "string", one_of(words.JOBS)),
    "hobby": Field(["hobby", "interest"], "string", one_of(words.HOBBIES)),
}
ORDER = {
    "customer": Field(["customer", "buyer", "name"], "string", names.person),
    "quantity": Field(["quantity", "count", "amount"], "integer", whole(2, 60)),
    "colour": Field(["color", "colour"], "string", one_of(words.COLOURS)),
    "item": Field(["item", "product", "article"], "string", good),
    "price": Field(["price", "cost", "total"], "number", price),
}
EVENT = {
    "event": Field(
        ["event", "title", "what"],
        "string",
        one_of("concert party meeting workshop wedding dinner exam lecture picnic match meetup festival".split()),
    ),
    "day": Field(["day", "day", "weekday"], "string", one_of(words.DAYS)),
    "time": Field(["time", "time", "start"], "string", clock),
    "city": Field(["city", "place", "location"], "string", capitals.city),
    "host": Field(["host", "organizer", "contact"], "string", names.person),
}
CONTACT = {
    "name": Field(["name", "full_name", "contact"], "string", names.full),
    "email": Field(["email", "mail"], "string", email),
    "phone": Field(["phone", "telephone", "number"], "string", phone),
    "city": Field(["city", "town"], "string", capitals.city),
}
PET = {
    "pet": Field(["pet_name", "name", "pet"], "string", names.pet),
    "species": Field(
        ["species", "animal", "kind"], "string", one_of("dog cat hamster rabbit parrot horse turtle pony mouse canary goat".split())
    ),
    "age": Field(["age", "age", "years"], "integer", whole(1, 19)),
    "owner": Field(["owner", "person"], "string", names.person),
    "colour": Field(["color", "colour"], "string", one_of(words.COLOURS)),
}
BOOK = {
    "title": Field(["title", "title", "book"], "string", title),
    "author": Field(["author", "writer"], "string", names.full),
    "year": Field(["year", "year", "published"], "integer", whole(1890, 2025)),
    "pages": Field(["pages", "page_count", "length"], "integer", whole(60, 900)),
}
TRIP = {
    "traveller": Field(["traveler", "passenger", "name"], "string", names.person),
    "origin": Field(["from", "origin", "start"], "string", capitals.city),
    "goal": Field(["to", "destination", "goal"], "string", capitals.city),
    "date": Field(["date", "day", "when"], "string", date),
    "price": Field(["price", "cost", "fare"], "number", price),
}
MEAL = {
    "dish": Field(["dish", "meal", "recipe"], "string", one_of(words.FOODS)),
    "ingredients": Field(
        ["ingredients", "items", "needs"],
        "array",
        several(lambda rng, split: words.plural(rng.choice(words.VEGETABLES + words.FRUITS)), 2, 4),
    ),
    "minutes": Field(["minutes", "time", "duration"], "integer", whole(5, 180)),
    "guests": Field(["guests", "people", "servings"], "integer", whole(2, 24)),
}
MEETING = {
    "people": Field(["people", "participants", "names"], "array", several(names.person, 2, 4)),
    "day": Field(["day", "weekday"], "string", one_of(words.DAYS)),
    "time": Field(["time", "start"], "string", clock),
    "topic": Field(["topic", "subject"], "string", one_of(words.SUBJECTS + words.HOBBIES)),
}
WEATHER = {
    "city": Field(["city", "place", "location"], "string", capitals.city),
    "degrees": Field(["temperature", "degrees"], "integer", whole(-20, 42)),
    "sky": Field(["condition", "weather", "sky"], "string", one_of(words.WEATHER)),
    "day": Field(["day", "weekday"], "string", one_of(words.DAYS)),
}
ROOM = {
    "room": Field(["room", "number", "room_number"], "integer", whole(1, 499)),
    "guest": Field(["guest", "name"], "string", names.full),
    "nights": Field(["nights", "stay"], "integer", whole(1, 21)),
    "breakfast": Field(["breakfast", "with_breakfast"], "boolean", lambda rng, split: rng.random() < 0.5),
}

DOMAINS = [
    Domain(
        PERSON,
        wordings("json.person"),
    ),
    Domain(
        ORDER,
        wordings("json.order"),
    ),
    Domain(
        EVENT,
        wordings("json.event"),
    ),
    Domain(
        CONTACT,
        wordings("json.contact"),
    ),
    Domain(
        PET,
        wordings("json.pet"),
    ),
    Domain(
        BOOK,
        wordings("json.book"),
    ),
    Domain(
        TRIP,
        wordings("json.trip"),
    ),
    Domain(
        MEAL,
        wordings("json.meal"),
    ),
    Domain(
        MEETING,
        wordings("json.meeting"),
    ),
    Domain(
        WEATHER,
        wordings("json.weather"),
    ),
    Domain(
        ROOM,
        wordings("json.room"),
    ),
]
