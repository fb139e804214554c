"""Families of tools that look something up or work something out (see `lexicon.toolbox`)."""

from lexicon import capitals, names, words
from lexicon.toolbox import CITY, TEXTS, TOPICS, Family, Parameter, any_of, clock, whole
from splits import TRAIN, Sides

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
        Sides(
            """What is the weather in {city}?|What's the weather like in {city}?|How is the weather in {city}?|Weather in {city}?
            |Tell me the weather in {city}.|Is it raining in {city}?|Is it sunny in {city}?|How warm is it in {city}?
            |What is the temperature in {city}?|How cold is it in {city}?|Do I need an umbrella in {city}?
            |Get the weather for {city}.|Check the weather in {city}.|I am in {city}. How is the weather?
            |What is the weather like in {city} today?|Weather for {city}, please.""",
            """Can you check what the weather is like in {city}?|How is the weather in {city} today?
            |I am going to {city}. What is the weather there?|Could you tell me the weather in {city}?|Is it warm in {city}?""",
        ),
        lambda rng, a: {"temperature": rng.randint(-15, 39), "condition": rng.choice(words.WEATHER)},
        "In {city} it is {temperature} degrees and {condition}.",
        ["city", "temperature", "condition"],
    ),
    "time": Family(
        ["get_time", "current_time", "clock", "get_current_time", "local_time", "time_in"],
        ["Get the time in a city", "Current local time", "Says what time it is", "Get the local time of a place"],
        [Parameter(["city", "city", "place", "location"], "string", CITY, capitals.city)],
        Sides(
            """What time is it in {city}?|Time in {city}?|Tell me the time in {city}.|How late is it in {city}?
            |What is the time in {city}?|What's the time in {city} now?|Which time is it in {city}?|Local time in {city}, please.
            |Get the time in {city}.|Is it late in {city}?""",
            "Can you tell me what time it is in {city}?|What is the local time in {city}?|Do you know the time in {city} now?",
        ),
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
        Sides(
            """What is {a} {operator} {b}?|Calculate {a} {operator} {b}.|{a} {operator} {b}|How much is {a} {operator} {b}?
            |Compute {a} {operator} {b}.|Work out {a} {operator} {b}.|Tell me {a} {operator} {b}.|I need {a} {operator} {b}.
            |What's {a} {operator} {b}?""",
            "Could you calculate {a} {operator} {b}?|What is the result of {a} {operator} {b}?|Please work out {a} {operator} {b}.",
        ),
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
        Sides(
            """Send a message to {to}: {text}|Tell {to}: {text}|Write to {to}: "{text}"|Send {to} the message "{text}".
            |Text {to}: {text}|Message {to}: {text}|Let {to} know: {text}|Send "{text}" to {to}.|Write {to} a message: {text}
            |Please tell {to} this: {text}|I want to send {to} a message: {text}|Send the text "{text}" to {to}.""",
            'Could you send {to} this message: {text}|Please send "{text}" to {to}.|Write a message to {to} that says "{text}".',
        ),
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
        Sides(
            """Set a timer for {minutes} minutes.|Start a timer of {minutes} minutes.|Timer: {minutes} minutes
            |Wake me in {minutes} minutes.|Remind me in {minutes} minutes.|{minutes} minutes timer, please.
            |I need a timer for {minutes} minutes.|Tell me when {minutes} minutes are over.|Count down {minutes} minutes.
            |Set the timer to {minutes} minutes.""",
            """Could you start a timer for {minutes} minutes?|Please set a timer to {minutes} minutes.
            |My tea needs {minutes} minutes. Set a timer.""",
        ),
        lambda rng, a: {"status": "started"},
        "The timer is set for {minutes} minutes.",
        ["minutes"],
    ),
    "alarm": Family(
        ["set_alarm", "alarm", "create_alarm", "wake_me"],
        ["Set an alarm", "Sets the alarm clock", "Set an alarm for a time of day"],
        [Parameter(["time", "time", "at", "when"], "string", ["Time of day", "Time as HH:MM", "When it rings"], clock)],
        Sides(
            """Set an alarm for {time}.|Wake me at {time}.|Alarm at {time}, please.|I have to get up at {time}.
            |Set my alarm to {time}.|Please wake me up at {time}.|I need an alarm at {time}.|Set the alarm clock for {time}.""",
            "Could you wake me at {time}?|Please set an alarm for {time}.|I want to get up at {time}. Set an alarm.",
        ),
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
        Sides(
            """Add {title} on {day} at {time} to my calendar.|Put {title} in my calendar for {day} at {time}.
            |I have {title} on {day} at {time}. Note it.|Schedule {title} for {day} at {time}.|New event: {title}, {day}, {time}
            |Create an event: {title} on {day} at {time}|On {day} at {time} I have {title}. Add it.
            |Calendar: {title} on {day}, {time}|Plan {title} for {day}, {time}.|Write {title} into my calendar: {day} at {time}.""",
            """Could you add {title} to my calendar on {day} at {time}?|Please schedule {title} on {day} at {time}.
            |Put this in my calendar: {title}, {day} at {time}.""",
        ),
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
        Sides(
            """Search for {query}.|Search the web for {query}.|Find something about {query}.|Look up {query}.
            |Look for {query} on the internet.|Find pages about {query}.|What can you find about {query}?|Search {query}
            |I want to read about {query}.|Google {query}.|Please search for {query} online.|Find {query} on the web.""",
            "Could you search the internet for {query}?|Please look up {query} online.|I am looking for pages about {query}.",
        ),
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
        Sides(
            """Translate {text} into {language}.|What is {text} in {language}?|How do you say {text} in {language}?
            |Translate "{text}" to {language}.|{text} in {language}, please.|What does {text} mean in {language}?
            |Give me the {language} word for {text}.|I need {text} in {language}.|Say {text} in {language}.
            |What is the {language} word for {text}?""",
            """Could you translate {text} into {language}?|Please translate the word "{text}" to {language}.
            |How would I say {text} in {language}?""",
        ),
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
        Sides(
            """Convert {amount} {source} to {target}.|How much is {amount} {source} in {target}?|{amount} {source} in {target}?
            |Change {amount} {source} into {target}.|What are {amount} {source} in {target}?
            |I have {amount} {source}. How much is that in {target}?|Exchange {amount} {source} for {target}.
            |{amount} {source} to {target}|How many {target} are {amount} {source}?""",
            """Could you convert {amount} {source} into {target}?|How many {target} do I get for {amount} {source}?
            |Please change {amount} {source} to {target}.""",
        ),
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
        Sides(
            """Convert {value} {source} to {target}.|How much is {value} {source} in {target}?|{value} {source} in {target}?
            |What are {value} {source} in {target}?|How many {target} are {value} {source}?|{value} {source} to {target}
            |Change {value} {source} into {target}.|Tell me how many {target} {value} {source} are.""",
            """Could you convert {value} {source} into {target}?|How many {target} do {value} {source} make?
            |Please convert {value} {source} into {target}.""",
        ),
        lambda rng, a: {"converted": round(a["value"] * rng.uniform(0.2, 4), 1)},
        "{value} {source} are {converted} {target}.",
        ["converted", "target"],
    ),
    "stock": Family(
        ["get_stock_price", "stock_price", "share_price", "stocks", "quote"],
        ["Get the price of a share", "Price of a company's stock", "Look up a stock price"],
        [Parameter(["symbol", "company", "company", "stock", "name"], "string", ["Name of the company", "The company"], names.surname)],
        Sides(
            """What is the stock price of {symbol}?|How much is a share of {symbol}?|Price of {symbol} stock?
            |How is the stock of {symbol}?|Get the share price of {symbol}.|What does a share of {symbol} cost?
            |Tell me the stock price of {symbol}.|{symbol} stock price""",
            "Could you look up the stock price of {symbol}?|What is a share of {symbol} worth?|How much does one share of {symbol} cost?",
        ),
        lambda rng, a: {"price": round(rng.uniform(2, 900), 2)},
        "A share of {symbol} costs {price} dollars.",
        ["symbol", "price"],
    ),
}
