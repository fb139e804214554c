"""Families of tools that look something up or work something out (see `lexicon.toolbox`)."""

from lexicon import capitals, names, words
from lexicon.toolbox import CITY, TEXTS, TOPICS, Family, Parameter, any_of, clock, whole
from splits import TRAIN, wordings

KNOWLEDGE = {
    "weather": Family(
        ["get_weather", "weather", "current_weather", "get_current_weather", "weather_now", "fetch_weather"],
        [
            "Get the weather of a city",
            "Current weather in a city",
            "Get the current weather",
            "Says what the weather is like",
            "Look up the weather",
        ],
        [Parameter(["city", "city", "location", "place", "town"], "string", CITY, capitals.city)],
        wordings("tools.weather"),
        lambda rng, a: {"temperature": rng.randint(-15, 39), "condition": rng.choice(words.WEATHER)},
        "In {city} it is {temperature} degrees and {condition}.",
        ["city", "temperature", "condition"],
    ),
    "time": Family(
        ["get_time", "current_time", "clock", "get_current_time", "local_time", "time_in"],
        ["Get the time in a city", "Current local time", "Says what time it is", "Get the local time of a place"],
        [Parameter(["city", "city", "place", "location"], "string", CITY, capitals.city)],
        wordings("tools.time"),
        lambda rng, a: {"time": clock(rng)},
        "It is {time} in {city}.",
        ["time", "city"],
    ),
    "calculator": Family(
        ["calculate", "calculator", "compute", "do_math", "math"],
        ["Calculate with two numbers", "Does arithmetic", "A calculator for large numbers", "Compute with two numbers"],
        [
            Parameter(["a", "a", "first", "x"], "number", ["First number", "The first number"], whole(1000, 99999)),
            Parameter(
                ["operator", "operation", "op"],
                "string",
                ["What to do"],
                any_of(["add", "subtract", "multiply", "divide"]),
                ["add", "subtract", "multiply", "divide"],
            ),
            Parameter(["b", "b", "second", "y"], "number", ["Second number", "The second number"], whole(100, 9999)),
        ],
        wordings("tools.calculator"),
        lambda rng, a: {
            "result": {"add": a["a"] + a["b"], "subtract": a["a"] - a["b"], "multiply": a["a"] * a["b"], "divide": a["a"] // a["b"]}[
                a["operator"]
            ]
        },
        "The result is {result}.",
        ["result"],
    ),
    "message": Family(
        ["send_message", "message", "send_text", "text_message", "write_message"],
        ["Send a message to a person", "Sends a text message", "Write a message to somebody", "Send a short message"],
        [
            Parameter(
                ["to", "to", "recipient", "person", "receiver"],
                "string",
                ["Who gets it", "The recipient", "Name of the person"],
                names.person,
            ),
            Parameter(
                ["text", "text", "message", "body", "content"],
                "string",
                ["The text", "What to say", "Text of the message"],
                lambda rng, split: TEXTS.pick(rng, split),
            ),
        ],
        wordings("tools.message"),
        lambda rng, a: {"status": "sent"},
        "I sent your message to {to}.",
        ["to"],
    ),
    "timer": Family(
        ["set_timer", "timer", "start_timer", "create_timer"],
        ["Start a timer", "Sets a timer in minutes", "Start a countdown"],
        [
            Parameter(
                ["minutes", "minutes", "duration", "length"], "integer", ["Minutes", "How many minutes", "Length in minutes"], whole(1, 180)
            )
        ],
        wordings("tools.timer"),
        lambda rng, a: {"status": "started"},
        "The timer is set for {minutes} minutes.",
        ["minutes"],
    ),
    "alarm": Family(
        ["set_alarm", "alarm", "create_alarm", "wake_me"],
        ["Set an alarm", "Sets the alarm clock", "Set an alarm for a time of day"],
        [Parameter(["time", "time", "at", "when"], "string", ["Time of day", "Time as HH:MM", "When it rings"], clock)],
        wordings("tools.alarm"),
        lambda rng, a: {"status": "ok"},
        "The alarm is set for {time}.",
        ["time"],
    ),
    "calendar": Family(
        ["create_event", "add_event", "calendar_add", "schedule_event", "new_event"],
        ["Add an event to the calendar", "Create an event in the calendar", "Put something in the calendar"],
        [
            Parameter(
                ["title", "title", "name", "event"],
                "string",
                ["What it is", "Title of the event"],
                any_of("lunch dinner meeting dentist concert party exam yoga football interview workshop haircut training".split()),
            ),
            Parameter(["day", "day", "weekday", "date"], "string", ["Day of the week", "The day"], any_of(words.DAYS)),
            Parameter(["time", "time", "start", "at"], "string", ["Time of day", "When it starts"], clock),
        ],
        wordings("tools.calendar"),
        lambda rng, a: {"status": "created"},
        "I added {title} on {day} at {time} to your calendar.",
        ["title", "day", "time"],
    ),
    "search": Family(
        ["search", "web_search", "search_web", "find_online", "internet_search"],
        ["Search the web", "Find pages about something", "Searches the internet", "Look something up online"],
        [
            Parameter(
                ["query", "query", "q", "text", "keywords"],
                "string",
                ["What to search for", "Search words", "The query"],
                lambda rng, split: TOPICS.pick(rng, split),
            )
        ],
        wordings("tools.search"),
        lambda rng, a: {"results": rng.randint(2, 90), "best": f"www.{a['query'].replace(' ', '-').lower()}.org"},
        "I found {results} pages about {query}. The best is {best}.",
        ["results", "best"],
    ),
    "translate": Family(
        ["translate", "translate_text", "translator", "translation"],
        ["Translate a text", "Translates a word into a language", "Translate something into another language"],
        [
            Parameter(
                ["text", "text", "word", "phrase"],
                "string",
                ["What to translate", "The text"],
                lambda rng, split: words.letter_word(rng, split),
            ),
            Parameter(["language", "language", "to", "target"], "string", ["Target language", "The language"], any_of(words.LANGUAGES)),
        ],
        wordings("tools.translate"),
        lambda rng, a: {"translation": names.invented(rng, TRAIN).lower()},
        "In {language}, {text} is {translation}.",
        ["translation"],
    ),
    "currency": Family(
        ["convert_currency", "exchange", "currency", "currency_converter", "exchange_money"],
        ["Convert money between currencies", "Converts an amount of money", "Change money into another currency"],
        [
            Parameter(["amount", "amount", "value", "sum"], "number", ["How much", "Amount of money"], whole(1, 2000)),
            Parameter(
                ["source", "from", "from_currency", "source"],
                "string",
                ["Currency code", "Code to convert from"],
                any_of(words.CURRENCIES[:7]),
            ),
            Parameter(
                ["target", "to", "to_currency", "target"], "string", ["Currency code", "Code to convert to"], any_of(words.CURRENCIES[7:])
            ),
        ],
        wordings("tools.currency"),
        lambda rng, a: {"converted": round(a["amount"] * rng.uniform(0.1, 9), 2)},
        "{amount} {source} are {converted} {target}.",
        ["converted", "target"],
    ),
    "units": Family(
        ["convert_units", "unit_converter", "convert", "units"],
        ["Convert a measure to another unit", "Converts units", "Change the unit of a value"],
        [
            Parameter(["value", "value", "amount", "number"], "number", ["The number", "Value to convert"], whole(1, 900)),
            Parameter(
                ["source", "from", "from_unit", "source_unit"],
                "string",
                ["Unit of the value", "Unit to convert from"],
                lambda rng, split: None,
            ),
            Parameter(
                ["target", "to", "to_unit", "target_unit"], "string", ["Unit that is wanted", "Unit to convert to"], lambda rng, split: None
            ),
        ],
        wordings("tools.units"),
        lambda rng, a: {"converted": round(a["value"] * rng.uniform(0.2, 4), 1)},
        "{value} {source} are {converted} {target}.",
        ["converted", "target"],
    ),
    "stock": Family(
        ["get_stock_price", "stock_price", "share_price", "stocks", "quote"],
        ["Get the price of a share", "Price of a company's stock", "Look up a stock price"],
        [Parameter(["symbol", "company", "company", "stock", "name"], "string", ["Name of the company", "The company"], names.surname)],
        wordings("tools.stock"),
        lambda rng, a: {"price": round(rng.uniform(2, 900), 2)},
        "A share of {symbol} costs {price} dollars.",
        ["symbol", "price"],
    ),
}
