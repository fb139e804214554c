"""More families of tools: those that do something, and those that only tests show (see `lexicon.toolbox`)."""

from lexicon import capitals, fresh, names, words
from lexicon.toolbox import CITY, TEXTS, TOPICS, Family, Parameter, any_of, clock, whole
from splits import TEST, TRAIN, Sides

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
        Sides(
            """Play {song}.|Play the song {song}.|I want to hear {song}.|Put on {song}.|Play "{song}", please.
            |Start the song {song}.|Can you play {song}?|Let me hear {song}.|Music: {song}|I would like to listen to {song}.""",
            'Could you play the song {song}?|Please put on the song "{song}".|I feel like listening to {song}.',
        ),
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
        Sides(
            """Turn {state} the light in the {room}.|Switch the {room} light {state}.|Light {state} in the {room}.
            |Please turn the light in the {room} {state}.|Turn the {room} light {state}.|{room} light {state}
            |Can you switch {state} the light in the {room}?|Turn {state} the {room} lights.|Lights {state} in the {room}, please.""",
            """Could you turn the {room} light {state}?|Please switch {state} the lights in the {room}.
            |I want the light in the {room} {state}.""",
        ),
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
        Sides(
            """Set the {room} to {degrees} degrees.|Make the {room} {degrees} degrees warm.|Heat the {room} to {degrees} degrees.
            |I want {degrees} degrees in the {room}.|Temperature in the {room}: {degrees} degrees
            |Set the temperature in the {room} to {degrees}.|Turn the heating in the {room} to {degrees} degrees.
            |{degrees} degrees in the {room}, please.""",
            """Could you heat the {room} to {degrees} degrees?|Please set the {room} temperature to {degrees} degrees.
            |The {room} should have {degrees} degrees.""",
        ),
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
        Sides(
            """Find a restaurant with {food} in {city}.|Where can I eat {food} in {city}?|I want to eat {food} in {city}.
            |A place for {food} in {city}?|Restaurant for {food} in {city}, please.|Search for {food} in {city}.
            |I am hungry and in {city}. Where is good {food}?|Where do I get {food} in {city}?
            |Show me a place for {food} in {city}.""",
            "Could you find me some {food} in {city}?|Is there a restaurant with {food} in {city}?|I am looking for {food} in {city}.",
        ),
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
        Sides(
            """Book a table for {people} at {restaurant} at {time}.|Reserve a table at {restaurant} for {people} people at {time}.
            |I want to eat at {restaurant} with {people} people at {time}. Book it.|Table for {people} at {restaurant}, {time}.
            |Make a reservation at {restaurant} for {people} at {time}.
            |At {time} we are {people} people at {restaurant}. Reserve a table.""",
            """Could you book a table at {restaurant} for {people} people at {time}?
            |Please reserve a table for {people} at {restaurant} at {time}.""",
        ),
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
        Sides(
            """What's new about {topic}?|News about {topic}?|Give me the news on {topic}.|Any news about {topic}?
            |Tell me the latest about {topic}.|Headlines on {topic}, please.|What is in the news about {topic}?
            |Show me news about {topic}.""",
            "Could you get me the news about {topic}?|What are the latest headlines about {topic}?|Is there anything new about {topic}?",
        ),
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
        Sides(
            """Define {word}.|What does {word} mean?|What is the meaning of {word}?|Define the word {word}.
            |Look up {word} in the dictionary.|Meaning of {word}?|Dictionary: {word}|What does the word "{word}" mean?
            |Give me a definition of {word}.""",
            'Could you define the word {word}?|Please look up the word "{word}".|I want to know what {word} means.',
        ),
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
        Sides(
            """Roll {count} dice with {sides} sides.|Throw {count} dice with {sides} sides.|Roll {count} {sides}-sided dice.
            |{count} dice, {sides} sides, please.|I want to roll {count} dice with {sides} sides each.
            |Roll dice: {count} with {sides} sides""",
            "Could you roll {count} dice of {sides} sides?|Please throw {count} {sides}-sided dice.",
        ),
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
        Sides(
            """How far is it from {start} to {end}?|What is the distance from {start} to {end}?|Distance from {start} to {end}?
            |How far is {end} from {start}?|How many kilometers are there from {start} to {end}?
            |How long is the way from {start} to {end}?|I drive from {start} to {end}. How far is that?""",
            """Could you tell me how far it is from {start} to {end}?|How big is the distance from {start} to {end}?
            |I want to go from {start} to {end}. How far is it?""",
        ),
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
        Sides(
            """Add {task} to my list.|I have to {task}. Note it.|Put {task} on my to-do list.|New task: {task}
            |Remind me to {task}.|Add a task: {task}|Don't let me forget to {task}.|Write {task} on my list.|I must {task}.
            |To do: {task}""",
            "Could you add {task} to my to-do list?|Please put {task} on the list.|I need to {task}. Put it on my list.",
        ),
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
        Sides(
            """Where is my order {order}?|What is the status of order {order}?|Track order {order}.
            |Status of order number {order}?|Check my order {order}.|My order number is {order}. Where is it?
            |Has order {order} been sent?|When do I get order {order}?""",
            """Could you check the status of order {order}?|I am waiting for order {order}. Where is it?
            |Please track my order number {order}.""",
        ),
        lambda rng, a: {"state": rng.choice(["packed", "sent", "delivered", "delayed", "cancelled"])},
        "Order {order} is {state}.",
        ["order", "state"],
    ),
    "call": Family(
        ["call_contact", "phone_call", "call", "dial", "make_call"],
        ["Call a person", "Start a phone call", "Phone somebody"],
        [Parameter(["person", "name", "person", "contact"], "string", ["Who to call", "Name of the person"], names.person)],
        Sides(
            """Call {person}.|Phone {person}.|Please call {person}.|I want to talk to {person}.|Can you call {person} for me?
            |Make a call to {person}.|Dial {person}.|Give {person} a call.|Ring {person}.""",
            "Could you call {person} now?|Please give {person} a call.|I need to speak with {person}. Call, please.",
        ),
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
        Sides(
            """Read the file {path}.|Open {path}.|What is in {path}?|Show me the file {path}.|Open the file {path}, please.
            |What does {path} say?|Read {path}.|Get me the file {path}.|Contents of {path}?""",
            "Could you open the file {path}?|Please read {path} for me.|I want to see what is in {path}.",
        ),
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
        Sides(
            """How many people live in {country}?|What is the population of {country}?|Population of {country}?
            |How many inhabitants does {country} have?|Tell me the population of {country}.
            |How big is the population of {country}?""",
            "Could you tell me how many people live in {country}?|What number of people live in {country}?",
        ),
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
        Sides(
            """Give me a random number from {low} to {high}.|Pick a number between {low} and {high}.
            |Random number from {low} to {high}, please.|Choose any number between {low} and {high}.
            |Draw a number from {low} to {high}.|A random number between {low} and {high}?""",
            "Could you pick a random number from {low} to {high}?|I need a random number between {low} and {high}.",
        ),
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
        Sides([], ["Find a hotel in {city} for {nights} nights.", "I need a hotel in {city} for {nights} nights."]),
        lambda rng, a: {"name": names.invented(rng, TEST)},
        "You can stay at {name} in {city}.",
        ["name"],
    ),
    "recipe": Family(
        ["get_recipe", "find_recipe"],
        ["Get the recipe of a dish", "Find a recipe"],
        [Parameter(["dish"], "string", ["The dish"], any_of(words.FOODS))],
        Sides([], ["Find me the recipe of {dish}.", "Which recipe is there for {dish}?", "Find a recipe for {dish}."]),
        lambda rng, a: {"minutes": rng.randint(10, 90)},
        "To cook {dish} you need {minutes} minutes.",
        ["minutes"],
    ),
    "flight": Family(
        ["flight_status", "track_flight"],
        ["Get the status of a flight", "Where a flight is"],
        [Parameter(["flight"], "integer", ["Number of the flight"], whole(100, 9999))],
        Sides([], ["Is flight {flight} late?", "What is the status of flight {flight}?", "When does flight {flight} land?"]),
        lambda rng, a: {"state": rng.choice(["late", "on time"])},
        "Flight {flight} is {state}.",
        ["state"],
    ),
}
