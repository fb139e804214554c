"""More families of tools: those that do something, and those that only tests show (see `lexicon.toolbox`)."""

from lexicon import capitals, fresh, names, words
from lexicon.toolbox import CITY, TEXTS, TOPICS, Family, Parameter, any_of, clock, whole
from splits import TEST, TRAIN, wordings

SONGS = fresh.Open(
    """Blue River|Golden Rain|Morning Light|Paper Moon|Slow Train|Red Balloon|Summer Wind|Silver Road|Quiet Sea|Night Bird
    |Old Clock|Green Hills""",
    "Velvet Sky|Broken Compass|Winter Lantern|Midnight Harbour",
    fresh.heading,
)
TASKS = fresh.Open(
    """buy milk|call the bank|clean the kitchen|water the plants|pay the rent|read the report|feed the cat|wash the car
    |fix the lamp|book the hotel|send the letter|bake a cake|pack the bag|return the book|walk the dog|paint the fence|order pizza
    |write to Anna|buy a ticket|find the keys""",
    "mow the lawn|visit the dentist|charge the phone|sort the photos|buy new shoes|iron the shirts",
    fresh.task,
)
ROOMS = ["kitchen", "bedroom", "bathroom", "living room", "office", "garage", "hallway", "garden"]

ACTION = {
    "music": Family(
        ["play_music", "play_song", "play", "music_player", "start_music"],
        ["Play a song", "Plays music", "Start a song"],
        [
            Parameter(
                ["song", "song", "title", "name", "track"],
                "string",
                ["Title of the song", "Name of the song"],
                lambda rng, split: SONGS.pick(rng, split),
            )
        ],
        wordings("tools.music"),
        lambda rng, a: {"status": "playing"},
        "Now playing {song}.",
        ["song"],
    ),
    "light": Family(
        ["set_light", "switch_light", "light", "control_light", "lights"],
        ["Switch the light of a room", "Turns a light on or off", "Control the lights"],
        [
            Parameter(["room", "room", "place", "where"], "string", ["Which room", "The room"], any_of(ROOMS)),
            Parameter(["state", "state", "status", "switch"], "string", ["on or off"], any_of(["on", "off"]), ["on", "off"]),
        ],
        wordings("tools.light"),
        lambda rng, a: {"status": "done"},
        "The light in the {room} is now {state}.",
        ["room", "state"],
    ),
    "heating": Family(
        ["set_temperature", "heating", "set_heating", "thermostat"],
        ["Set the temperature of a room", "Controls the heating", "Set the thermostat"],
        [
            Parameter(["room", "room", "where"], "string", ["Which room", "The room"], any_of(ROOMS)),
            Parameter(["degrees", "degrees", "temperature", "value"], "integer", ["Degrees", "Temperature in degrees"], whole(14, 28)),
        ],
        wordings("tools.heating"),
        lambda rng, a: {"status": "done"},
        "The {room} is set to {degrees} degrees.",
        ["room", "degrees"],
    ),
    "restaurant": Family(
        ["find_restaurant", "restaurants", "search_restaurant", "restaurant_finder"],
        ["Find a restaurant", "Finds a place to eat", "Search restaurants in a city"],
        [
            Parameter(["food", "food", "dish", "cuisine"], "string", ["What to eat", "The food"], any_of(words.FOODS)),
            Parameter(["city", "city", "location", "place"], "string", CITY, capitals.city),
        ],
        wordings("tools.restaurant"),
        lambda rng, a: {"name": names.invented(rng, TRAIN), "rating": round(rng.uniform(3, 5), 1)},
        "You can eat {food} at {name} in {city}. Its rating is {rating}.",
        ["name", "rating"],
    ),
    "table": Family(
        ["book_table", "reserve_table", "reservation", "make_reservation"],
        ["Book a table in a restaurant", "Reserve a table", "Makes a reservation"],
        [
            Parameter(["restaurant", "restaurant", "place", "name"], "string", ["The restaurant", "Name of the restaurant"], names.surname),
            Parameter(["people", "people", "guests", "persons"], "integer", ["How many people", "Number of guests"], whole(1, 14)),
            Parameter(["time", "time", "at", "when"], "string", ["Time of day", "When"], clock),
        ],
        wordings("tools.table"),
        lambda rng, a: {"status": "confirmed", "code": rng.randint(1000, 9999)},
        "Your table for {people} at {restaurant} at {time} is booked. The code is {code}.",
        ["restaurant", "code"],
    ),
    "news": Family(
        ["get_news", "news", "latest_news", "headlines"],
        ["Get the latest news", "News about a topic", "Look up headlines"],
        [
            Parameter(
                ["topic", "topic", "subject", "about"],
                "string",
                ["Topic of the news", "The topic"],
                lambda rng, split: TOPICS.pick(rng, split),
            )
        ],
        wordings("tools.news"),
        lambda rng, a: {"headline": f"{names.invented(rng, TRAIN)} talks about {a['topic']}"},
        "The latest headline is: {headline}",
        ["headline"],
    ),
    "define": Family(
        ["define_word", "dictionary", "define", "lookup_word"],
        ["Look up a word in the dictionary", "Meaning of a word", "Defines a word"],
        [
            Parameter(
                ["word", "word", "term", "text"],
                "string",
                ["The word", "Word to look up"],
                lambda rng, split: words.letter_word(rng, split),
            )
        ],
        wordings("tools.define"),
        lambda rng, a: {"definition": "a kind of " + rng.choice("thing place tool food animal plant material game feeling sound".split())},
        "The word {word} means {definition}.",
        ["word", "definition"],
    ),
    "dice": Family(
        ["roll_dice", "dice", "throw_dice", "roll"],
        ["Roll dice", "Throws dice", "Roll some dice"],
        [
            Parameter(["count", "count", "dice", "number"], "integer", ["How many dice"], whole(2, 9)),
            Parameter(["sides", "sides", "faces"], "integer", ["Sides of a die", "How many sides"], any_of([4, 6, 8, 10, 12, 20])),
        ],
        wordings("tools.dice"),
        lambda rng, a: {"total": rng.randint(a["count"], a["count"] * a["sides"])},
        "The dice show {total} in total.",
        ["total"],
    ),
    "distance": Family(
        ["get_distance", "distance", "how_far", "route_length"],
        ["Distance between two places", "How far two cities are apart", "Get the distance of two cities"],
        [
            Parameter(["start", "from", "start", "origin"], "string", ["Where it starts", "First city"], capitals.city),
            Parameter(["end", "to", "end", "destination"], "string", ["Where it ends", "Second city"], capitals.city),
        ],
        wordings("tools.distance"),
        lambda rng, a: {"kilometers": rng.randint(20, 9000)},
        "It is {kilometers} kilometers from {start} to {end}.",
        ["kilometers"],
    ),
    "todo": Family(
        ["add_todo", "todo_add", "add_task", "new_task", "remember_task"],
        ["Add something to the list of things to do", "Adds a task", "Put a task on the list"],
        [
            Parameter(
                ["task", "task", "item", "text", "title"], "string", ["What to do", "The task"], lambda rng, split: TASKS.pick(rng, split)
            )
        ],
        wordings("tools.todo"),
        lambda rng, a: {"status": "added", "tasks": rng.randint(1, 40)},
        "I added {task} to your list. It now has {tasks} tasks.",
        ["task", "tasks"],
    ),
    "order": Family(
        ["order_status", "get_order_status", "track_order", "check_order"],
        ["Get the status of an order", "Where an order is", "Check an order"],
        [
            Parameter(
                ["order", "order_id", "id", "number", "order"], "integer", ["Number of the order", "The order number"], whole(1000, 99999)
            )
        ],
        wordings("tools.order"),
        lambda rng, a: {"state": rng.choice(["packed", "sent", "delivered", "delayed", "cancelled"])},
        "Order {order} is {state}.",
        ["order", "state"],
    ),
    "call": Family(
        ["call_contact", "phone_call", "call", "dial", "make_call"],
        ["Call a person", "Start a phone call", "Phone somebody"],
        [Parameter(["person", "name", "person", "contact"], "string", ["Who to call", "Name of the person"], names.person)],
        wordings("tools.call"),
        lambda rng, a: {"status": "calling"},
        "I am calling {person} now.",
        ["person"],
    ),
    "file": Family(
        ["read_file", "open_file", "show_file", "get_file"],
        ["Read a file", "Opens a file", "Get what is in a file"],
        [
            Parameter(
                ["path", "path", "file", "filename", "name"],
                "string",
                ["Path of the file", "Name of the file"],
                lambda rng, split: f"{words.letter_word(rng, split)}.{rng.choice(['txt', 'md', 'csv', 'json'])}",
            )
        ],
        wordings("tools.file"),
        lambda rng, a: {"lines": rng.randint(1, 900), "first_line": rng.choice(TEXTS.train)},
        "The file {path} has {lines} lines. The first is: {first_line}",
        ["lines", "first_line"],
    ),
    "people": Family(
        ["get_population", "population", "count_people"],
        ["Population of a country", "How many people live in a country", "Get the population"],
        [
            Parameter(
                ["country", "country", "place", "name"],
                "string",
                ["The country", "Name of the country"],
                lambda rng, split: rng.choice([name for name, _ in capitals.COUNTRIES if not name.startswith("the ")]),
            )
        ],
        wordings("tools.people"),
        lambda rng, a: {"population": rng.randint(100, 99999) * 1000},
        "{country} has {population} people.",
        ["country", "population"],
    ),
    "random": Family(
        ["random_number", "get_random", "pick_number", "random"],
        ["Draw a random number", "Picks a number at random", "Get a random number"],
        [
            Parameter(["low", "min", "low", "from"], "integer", ["Smallest number", "Lower end"], whole(0, 50)),
            Parameter(["high", "max", "high", "to"], "integer", ["Largest number", "Upper end"], whole(51, 1000)),
        ],
        wordings("tools.random"),
        lambda rng, a: {"number": rng.randint(a["low"], a["high"])},
        "The number is {number}.",
        ["number"],
    ),
}

#: Families that training never shows: how well the model reads a declaration of a new purpose. Made-up tools of training share
#: sentence frames with them.
NEW_FAMILIES = {
    "hotel": Family(
        ["find_hotel", "hotel_search"],
        ["Find a hotel in a city", "Search hotels"],
        [Parameter(["city"], "string", CITY, capitals.city), Parameter(["nights"], "integer", ["How many nights"], whole(1, 14))],
        wordings("tools_new.hotel"),
        lambda rng, a: {"name": names.invented(rng, TEST)},
        "You can stay at {name} in {city}.",
        ["name"],
    ),
    "recipe": Family(
        ["get_recipe", "find_recipe"],
        ["Get the recipe of a dish", "Find a recipe"],
        [Parameter(["dish"], "string", ["The dish"], any_of(words.FOODS))],
        wordings("tools_new.recipe"),
        lambda rng, a: {"minutes": rng.randint(10, 90)},
        "To cook {dish} you need {minutes} minutes.",
        ["minutes"],
    ),
    "flight": Family(
        ["flight_status", "track_flight"],
        ["Get the status of a flight", "Where a flight is"],
        [Parameter(["flight"], "integer", ["Number of the flight"], whole(100, 9999))],
        wordings("tools_new.flight"),
        lambda rng, a: {"state": rng.choice(["late", "on time"])},
        "Flight {flight} is {state}.",
        ["state"],
    ),
}
