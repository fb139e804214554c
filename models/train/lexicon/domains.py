"""What JSON is extracted from: domains with their fields, and texts that mention them."""

from collections.abc import Callable
from dataclasses import dataclass

from lexicon import capitals, fresh, names, words
from splits import TRAIN, Sides


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
    "pet": Field(["pet_name", "name", "pet"], "string", lambda rng, split: names.PETS.pick(rng, split)),
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
        Sides(
            """{name} is {age} years old and lives in {city}.|My friend {name} lives in {city} and works as a {job}.
            |{name}, {age}, is a {job} from {city}.|At the age of {age}, {name} moved to {city} to work as a {job}.
            |{name} is a {job}. In the evening {name} likes {hobby}.|I met {name} in {city}. {name} is {age} and loves {hobby}.
            |The {job} {name} is {age} years old.|In {city} there is a {job} called {name}, who enjoys {hobby}.
            |Name: {name}; age: {age}; city: {city}; job: {job}
            |This is {name} from {city}. Age {age}, works as a {job}, hobby {hobby}.
            |{name} has lived in {city} for years and has worked as a {job} since the age of {age}.|{name} ({age}) likes {hobby}.|{name} spends every day with {hobby} in {city}.|Meet {name}, {age} years of age, from {city}.|Ask {name} in {city}, who earns money as a {job}.|{name} comes from {city} and has the job of a {job}.|Hi, I am {name} from {city} and {age} years of age.|My cousin {name} does {hobby} and is {age}.|A {age} year old {job}, {name}, lives in {city}.|{name} is employed as a {job}, enjoys {hobby}, and is at home in {city}.|We know {name}, a {job} aged {age}.
            |I am {name}, I am {age} years old, and I am a {job}.|My name is {name} and I live in {city}. My hobby is {hobby}.
            |Yesterday a {job} named {name} told me about {city}.|{age} years old and already a {job}: that is {name}.""",
            """{name} from {city} is {age} years old.|Our neighbour {name} is a {job} of {age} years and lives in {city}.
            |I know a {job} in {city}: {name}, {age} years old.|{name} works as a {job} in {city} and loves {hobby}.
            |Hello, my name is {name}, I am {age} and I come from {city}.""",
        ),
    ),
    Domain(
        ORDER,
        Sides(
            """{customer} ordered {quantity} {colour} {item} for {price} dollars.
            |{customer} bought {quantity} {item}. The price was {price} euros.|Order: {quantity} {colour} {item}, {price} dollars.
            |Please send {quantity} {item} to {customer}.|For {price} dollars {customer} got {quantity} {colour} {item}.
            |We sold {quantity} {colour} {item} to {customer} for {price} euros.
            |{quantity} {item} for {customer}, {price} dollars in all.|{customer} wants {quantity} {item} in {colour}.|{customer} wishes to buy {quantity} {colour} {item} at {price} dollars.|Today {customer} took {quantity} {item} home, {colour} ones, for {price} euros.|Deliver {quantity} {colour} {item} to {customer}.|{customer} asked for {quantity} {colour} {item} and pays {price} dollars.|{quantity} {colour} {item} go to {customer}.|The parcel for {customer} has {quantity} {item} in it.|{item} in {colour}, {quantity} of them, for {customer}: {price} euros|From {customer} we got an order of {quantity} {item}.|Give {customer} {quantity} {item} for {price} dollars.|{customer} paid {price} euros for {quantity} {colour} {item}.|Pack {quantity} {item} in {colour} for {customer}.
            |The customer {customer} paid {price} dollars for {quantity} {item}.
            |Customer: {customer}; item: {item}; quantity: {quantity}; price: {price}
            |Hello, I am {customer} and I want to order {quantity} {colour} {item}.
            |An order came in from {customer}: {quantity} {item} in {colour}, at {price} dollars.
            |{customer} needs {quantity} {colour} {item}.""",
            """{customer} would like to order {quantity} {colour} {item} for {price} dollars.
            |For {customer} we packed {quantity} {item} in {colour}, {price} euros in all.
            |The order of {customer} is {quantity} {colour} {item}.
            |{quantity} {colour} {item} were sold to {customer} for {price} dollars.""",
        ),
    ),
    Domain(
        EVENT,
        Sides(
            """The {event} is on {day} at {time} in {city}.|On {day} there is a {event} in {city}. It starts at {time}.
            |{host} invites you to a {event} on {day} at {time}.|Come to the {event} in {city} on {day}! Ask {host} for details.
            |A {event} takes place in {city}. {host} is the host.|At {time} on {day} the {event} begins.
            |{day}, {time}: {event} with {host} in {city}.|Event: {event}; day: {day}; time: {time}; city: {city}
            |Meet {host} at the {event} in {city} on {day}.|Visit {host} for a {event} on {day}.|Help {host} with the {event} in {city}.|See {host} at the {event}, {day} at {time}.|Bring {host} to the {event} in {city} on {day}.|{host} holds a {event} in {city} on {day}.|The {event} by {host} opens at {time} on {day}.|On {day} {city} has a {event}.|In {city} a {event} starts on {day} at {time}.|Ask {host} about the {event} on {day}.|Don't forget the {event} at {time} on {day}.|{host} plans a {event} in {city} for {day}.
            |The {event} that {host} planned is in {city} at {time}.|We meet in {city} for the {event}, on {day} at {time}.""",
            """There will be a {event} in {city} on {day} at {time}.
            |{host} is planning a {event}. It is on {day} and starts at {time}.|Join {host} for a {event} in {city} on {day}.
            |The {event} in {city} starts at {time} on {day}.""",
        ),
    ),
    Domain(
        CONTACT,
        Sides(
            """{name} lives in {city}. Phone: {phone}.|You can reach {name} at {email} or {phone}.|Write to {name} at {email}.
            |The phone number of {name} is {phone}.|{name}, {city}, {email}, {phone}|Contact {name} ({email}) in {city}.
            |Call {name} at {phone}.|The number of {name} is {phone} and the mail is {email}.|{name} has the phone number {phone} and lives in {city}.|Ring {name} in {city} under {phone}.|To reach {name}, dial {phone} or write to {email}.|{email} belongs to {name}, {phone} too.|{name} reads mail at {email}.|Mail for {name} goes to {email}, calls to {phone}.|Name: {name}; mail: {email}; phone: {phone}
            |My name is {name}, my email is {email} and my phone is {phone}.|{name} from {city} has the address {email}.
            |Please call {phone} and ask for {name} in {city}.""",
            """{name} can be reached at {phone} or by mail at {email}.
            |The email address of {name} is {email} and the phone number is {phone}.
            |{name} in {city} answers the phone at {phone}.""",
        ),
    ),
    Domain(
        PET,
        Sides(
            """{owner} has a {colour} {species} called {pet}.|{pet} is a {species}. It is {age} years old and belongs to {owner}.
            |The {species} {pet} is {colour}.|{owner} keeps a {species} by the name of {pet}.|{owner} bought a {colour} {species} and named it {pet}.|{owner} lost a {species} called {pet}, {age} years of age.|{owner} and the {age} year old {species} {pet} play.|{pet} is the {species} of {owner}, {age} years old.|The {species} that {owner} has is {pet}, and it is {colour}.|{pet} is the name of the {colour} {species} of {owner}.|The {age} years old {species} is called {pet}.|A {species} called {pet} lives with {owner}.|{owner}'s {species} is named {pet} and is {age} years old.
            |{pet}, a {colour} {species}, is {age}.|My {species} {pet} is {age} years old.
            |There is a {colour} {species} in the garden. Its name is {pet}, and {owner} is looking for it.
            |Pet: {pet}; species: {species}; age: {age}; owner: {owner}|I am {owner} and this is my {species} {pet}.
            |A {species} of {age} years, {colour}, called {pet}.""",
            """The {colour} {species} of {owner} is called {pet}.|{owner} owns a {species} named {pet}, which is {age} years old.
            |{pet} is a {colour} {species} that belongs to {owner}.""",
        ),
    ),
    Domain(
        BOOK,
        Sides(
            """{title} was written by {author} in {year}.|{author} wrote {title}, a book of {pages} pages.
            |The book {title} has {pages} pages and came out in {year}.|In {year} {author} published {title}.
            |I am reading {title} by {author}.|The book {title} from {year} is by {author} and has {pages} pages.|{title} by {author} came out in {year} and is {pages} pages long.|The writer {author} ended {title} in {year}.|The {pages} pages of {title} were written by {author} in {year}.|On the shelf stands {title}, {pages} pages, by {author}.|Read {title} by {author}, it is {pages} pages long.|{author} made {title} in {year}.|I bought {title} of {author}; {pages} pages, from {year}.|We like {title} from {year} with its {pages} pages.|{title} ({year}) by {author}, {pages} pages
            |Title: {title}; author: {author}; year: {year}; pages: {pages}
            |My favourite book is {title}. {author} wrote it in {year}.
            |With {pages} pages, {title} is the longest book by {author}.|{author} is known for {title} of {year}.""",
            """{title} is a book by {author} from {year} with {pages} pages.|The author {author} finished {title} in {year}.
            |In the library I found {title} by {author}. It has {pages} pages.""",
        ),
    ),
    Domain(
        TRIP,
        Sides(
            """{traveller} travels from {origin} to {goal} on {date}.|A ticket from {origin} to {goal} costs {price} euros.
            |On {date}, {traveller} flies to {goal}.|{traveller} starts in {origin} and ends in {goal}.|{traveller} will go to {goal}, beginning in {origin}.|{traveller} drives to {goal} from {origin} on {date}.|{traveller} sets off to {goal}. The journey begins in {origin} on {date}.|The bus from {origin} to {goal} on {date} is {price} euros.|{traveller} plans a trip to {goal} on {date}.|On {date} the ship from {origin} brings {traveller} to {goal}.|To {goal} from {origin}: {traveller}, {date}.|The ride to {goal} from {origin} costs {price} dollars.|{traveller} takes the train from {origin} to {goal} for {price} dollars.
            |I want to go from {origin} to {goal} on {date}.|From {origin} to {goal}: {price} dollars, {date}.
            |{traveller} leaves {origin} on {date} and goes to {goal}.|The flight to {goal} starts in {origin} on {date}.
            |Book a trip to {goal} from {origin} for {traveller}.|Passenger: {traveller}; from: {origin}; to: {goal}; date: {date}
            |{traveller} paid {price} euros for the trip to {goal}.""",
            """On {date} {traveller} wants to travel from {origin} to {goal}.
            |The train from {origin} to {goal} on {date} costs {price} euros.
            |{traveller} is going to {goal}. The trip starts in {origin} on {date}.""",
        ),
    ),
    Domain(
        MEAL,
        Sides(
            """For the {dish} you need {ingredients}. It takes {minutes} minutes.
            |We cook {dish} with {ingredients} for {guests} guests.|The {dish} takes {minutes} minutes and serves {guests} people.
            |Buy {ingredients} for the {dish}.|Use {ingredients} and after {minutes} minutes you have {dish}.|They prepare {dish} out of {ingredients}.|We make {dish} from {ingredients}, enough for {guests} guests.|You can cook {dish} with {ingredients} in {minutes} minutes.|Put {ingredients} into the {dish}, for {guests} people.|With {ingredients} I cook {dish} for {minutes} minutes.|You take {ingredients} for {dish}.|Mix {ingredients}, wait {minutes} minutes, and eat the {dish}.|Our {dish} feeds {guests} people and takes {ingredients}.|I make {dish} in {minutes} minutes. You need {ingredients}.
            |{dish} for {guests} people: {ingredients}|My {dish} has {ingredients} in it.
            |To make {dish}, take {ingredients} and wait {minutes} minutes.|Tonight {guests} guests will eat {dish}.""",
            """You make {dish} from {ingredients} in {minutes} minutes.
            |This {dish} needs {ingredients} and is enough for {guests} people.
            |Cook {ingredients} for {minutes} minutes and the {dish} is ready.""",
        ),
    ),
    Domain(
        MEETING,
        Sides(
            """{people} meet on {day} at {time}.|On {day} {people} talk about {topic}.
            |The meeting about {topic} is on {day} at {time}.|{people} will meet to talk about {topic}.|{people} want to speak about {topic} on {day}.|A talk on {topic} for {people} is on {day}.|There is a meeting at {time} on {day} with {people}.|The {topic} meeting brings together {people}.|{people} plan to learn about {topic} on {day} at {time}.|On {day} at {time} we see {people}.|For {people}: {topic} on {day}.
            |Meeting with {people} on {day}, {time}.|At {time} on {day} we talk about {topic}: {people}.
            |{people} have a class in {topic} on {day}.|Please invite {people} for {day} at {time}.""",
            """{people} are going to talk about {topic} on {day} at {time}.|On {day} at {time} there is a meeting with {people}.
            |The talk about {topic} on {day} is for {people}.""",
        ),
    ),
    Domain(
        WEATHER,
        Sides(
            """It is {sky} in {city} with {degrees} degrees.|On {day} it will be {sky} in {city}.|{city}: {degrees} degrees, {sky}
            |The weather in {city} on {day}: {sky}, {degrees} degrees.|In {city} we have {degrees} degrees.
            |{day} in {city} will be {sky} at {degrees} degrees.|Today it is {degrees} degrees and {sky} in {city}.
            |A {sky} {day} in {city}.|{city} has {degrees} degrees on {day} and it is {sky}.|{city} expects {sky} weather and {degrees} degrees.|On {day} there will be {degrees} degrees in {city}.|The people of {city} enjoy {degrees} degrees.|{city} is {sky} on {day}.|We have {sky} weather in {city}: {degrees} degrees.|On {day} it gets {sky} in {city}, with {degrees} degrees.""",
            """{city} will be {sky} on {day}, at {degrees} degrees.|People in {city} have {degrees} degrees and {sky} weather.
            |On {day} we expect {degrees} degrees in {city}.""",
        ),
    ),
    Domain(
        ROOM,
        Sides(
            """{guest} stays in room {room} for {nights} nights.|Room {room} is booked for {guest}, {breakfast}.
            |{guest} booked {nights} nights {breakfast}.|{guest} has got room {room} {breakfast}.|{guest} sleeps in room {room} for {nights} nights {breakfast}.|We gave room {room} to {guest}. It is for {nights} nights.|The guest {guest} wants {nights} nights {breakfast}.|Room {room} goes to {guest} for {nights} nights.|We keep room {room} for {guest}, for {nights} nights.|The room of {guest} is {room}. The guest stays {nights} nights.|{nights} nights {breakfast} in room {room}: {guest}.|Booking: {guest}, room {room}, {nights} nights, {breakfast}.
            |For {nights} nights, {guest} gets room {room}.|Please give room {room} to {guest} {breakfast}.""",
            "{guest} has room {room} for {nights} nights {breakfast}.|We booked room {room} for {guest}. The stay is {nights} nights.",
        ),
    ),
]
