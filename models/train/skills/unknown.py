"""Saying "I don't know": to questions about people, places and facts outside, to what is happening now, and to tasks beyond the model.

The model shall know what it knows. So there are capitals of countries that do not exist, other questions about those that do, sums that
are too large, and many questions that have no answer in the training text at all.
"""

from lexicon import capitals, names, words
from skills import Skill, exchange
from splits import Sides
from wording import decorate

ANSWERS = [
    "I don't know that. I am only a small model.",
    "Sorry, I don't know.",
    "I don't know the answer to that.",
]
TASK_ANSWERS = ["Sorry, I don't know how to do that. I am only a small model."]
BIG_ANSWERS = ["I don't know. That is too large for me: I add and subtract up to 999 and multiply up to 12 x 12."]
NOW_ANSWERS = ["I don't know. I cannot look outside of this conversation."]

#: p: a person, c: a place, x: a place that does not exist, s: a surname, y: a year, t: a title, n: a number
OUTSIDE = Sides(
    """Who is {p}?|Who was {p}?|When was {p} born?|Where was {p} born?|How old is {p}?|What did {p} invent?
    |What is {p} famous for?|When did {p} die?|Who is married to {p}?|What does {p} do?|How tall is {p}?|How rich is {p}?
    |What is {p}'s phone number?|Who are the parents of {p}?|Which books did {p} write?|What films was {p} in?|Tell me about {p}.
    |Who is the president of {c}?|Who is the king of {c}?|Who is the mayor of {c}?|What is the population of {c}?
    |How large is {c}?|What language do people speak in {c}?|What is the currency of {c}?|What is the highest mountain in {c}?
    |What is the longest river in {c}?|When was {c} founded?|How far is it to {c}?|What is {c} known for?
    |What food do people eat in {c}?|Which team won in {c}?|What does the flag of {c} look like?|Who discovered {c}?
    |What is the national anthem of {c}?|Where is {c}?|Tell me about {c}.|What is the history of {c}?
    |Which rivers flow through {c}?|What is the best hotel in {c}?|What is the oldest building in {c}?
    |How many schools are in {c}?|Who rules {c}?|How many tourists visit {c}?|What is the area of {c}?
    |Who designed the flag of {c}?|What is the biggest airport in {c}?|What is the time zone of {c}?|Who wrote {t}?
    |Who directed {t}?|When did {t} come out?|What is {t} about?|Who plays in {t}?|How does {t} end?|Who sings {t}?
    |Who painted {t}?|Who won the world cup in {y}?|What happened in {y}?|Who was president in {y}?|Who won the election in {y}?
    |Which film won in {y}?|What was invented in {y}?|Who ruled in {y}?|Who invented the telephone?|Who invented the light bulb?
    |Who discovered America?|Who painted the Mona Lisa?|Who wrote Hamlet?|Who was the first man on the moon?
    |How far away is the moon?|How far away is the sun?|What is the speed of light?|How hot is the sun?|How deep is the ocean?
    |How many stars are there?|What is the tallest mountain in the world?|What is the longest river in the world?
    |What is the largest country?|How many people live on Earth?|What is the meaning of life?|Why is the sky blue?
    |Why do birds fly?|How do magnets work?|What is gravity?|What is DNA?|What is quantum physics?
    |What is the chemical formula of water?|What is the boiling point of iron?|How does a car engine work?|How do vaccines work?
    |What is a black hole?|What is inflation?|What is democracy?|What is photosynthesis?|Who was Napoleon?|Who was Einstein?
    |What is the square root of {n}?|What is pi to ten digits?|How many bones are in the body?|How many teeth does a shark have?
    |What is the fastest animal?|How long do turtles live?|How much does an elephant weigh?|What do pandas eat?
    |When was the first computer built?|Who founded the company {s}?|What does the company {s} make?|How much is a share of {s}?
    |Who is the boss of {s}?|Where is the company {s}?|What is the law of {s}?|What is the {s} theorem?
    |What did Doctor {s} discover?|Which street does {p} live in?|What did {p} say in {y}?|How many goals did {p} score?
    |Who taught {p}?|Which prize did {p} win?|What is the middle name of {p}?|Who lives in {c}?|What is the tallest tower of {c}?
    |How cold does it get in {c}?|How do you get to {c}?|What is the zip code of {c}?|What did people in {c} do in {y}?
    |Who built the pyramids?|When did the war end?|How old is the Earth?|What is the distance from {c} to {c2}?
    |Is {c} bigger than {c2}?|Why is {c} famous?|Why did {p} leave {c}?""",
    """Who is the prime minister of {c}?|How many people live in {c}?|What is the biggest lake in {c}?
    |Who was the first king of {c}?|What is the tallest building in {c}?|What do people in {c} eat for breakfast?
    |In which year was {p} born?|Which school did {p} go to?|What was the job of {p}?|Where does {p} live now?
    |Do you know who {p} is?|Why is {p} famous?|Who is the brother of {p}?|Who is the author of {t}?
    |In what year did {t} come out?|Who was the winner of the race in {y}?|What was discovered in {y}?|Who invented the bicycle?
    |How far away is Mars?|What is electricity?|How do airplanes fly?|Who was Cleopatra?|How heavy is a whale?
    |What is a neutron star?|Who discovered penicillin?|How much money does the company {s} make?|What did Professor {s} find out?
    |When was the company {s} founded?|How long is the border of {c}?""",
)
NOWHERE = Sides(
    """What is the capital of {x}?|Capital of {x}?|Tell me the capital of {x}.|Which city is the capital of {x}?
    |What's the capital of {x}?|Name the capital of {x}.|What is the capital city of {x}?|Of which country is {x} the capital?
    |What country is {x} the capital of?|{x} is the capital of which country?""",
    """Could you tell me the capital of {x}?|I want to know the capital of {x}.|Please name the capital city of {x}.
    |Which country's capital is {x}?""",
)
NOW = Sides(
    """What time is it?|What is the date today?|What day is it today?|What is the weather like?|What is the weather in {c}?
    |Will it rain tomorrow?|What's in the news?|What is new today?|Who won the game yesterday?|How much is a flight to {c}?
    |How is the traffic in {c}?|What is the price of gold?|What year is it?|Is it raining in {c}?|What is on television tonight?
    |How warm is it outside?|Is the shop in {c} open?|When does the next train to {c} leave?|What time is it in {c}?
    |How much does bread cost in {c}?|What is the temperature in {c}?|What is happening in {c}?|Did my team win?
    |What did I do yesterday?|What am I thinking?|Where are my keys?|What is the stock price of {s}?""",
    """Can you tell me what time it is?|What is the weather like in {c} today?|How warm is it in {c}?
    |What happened in the news today?|When does the next bus to {c} leave?|Will it snow in {c} tomorrow?|Which day is today?
    |How much does a hotel in {c} cost?""",
)
TASKS = Sides(
    """Write a program in Python.|Write a Python function that sorts a list.|Write some code for me.|Translate "{w}" into French.
    |How do you say {w} in Spanish?|What is {w} in German?|Translate this into {l}: {w}|Write a poem about {w}.
    |Draw a picture of a {w}.|Sing a song.|Write an essay about {w}.|Summarise the book {t}.|Play music.|Call {p}.
    |Send an email to {p}.|Open a website.|Show me a photo of {c}.|Fix my computer.|Book a flight to {c}.|Order a pizza.
    |Write a letter to {p}.|Explain how a {w} works.|Give me a recipe for {f}.|How do I cook {f}?|How do I make {f}?
    |Give me medical advice.|Write a joke.|Tell me a joke.|Write my homework about {w}.|Plan my trip to {c}.
    |Solve this equation: {n}x = {n2}|What is {n} divided by {n2}?|{n} / {n2}|Divide {n} by {n2}.|What is {w} in {l}?
    |Set an alarm for me.|What medicine should I take?|Search the internet for {w}.|Write HTML for a page.|Debug my program.
    |Which stock should I buy?|Make a video about {w}.|Read me the newspaper.|Turn on the light.""",
    """Write a JavaScript program for me.|How do you say {w} in {l}?|Can you translate "{w}" into Italian?|Paint a picture of {c}.
    |Write a speech about {w}.|How do I bake {f}?|Can you book a hotel in {c}?|What do you get when you divide {n} by {n2}?
    |Write a long article about {w}.|Send a message to {p}.|Can you draw a {w}?""",
)
BIG = Sides(
    """What is {m} + {k}?|{m} + {k}|{m} - {k}|What is {m} - {k}?|{m} plus {k}|Add {m} and {k}.|Calculate {m} - {k}.
    |What is {m} times {k}?|{m} * {k}|Multiply {m} by {k}.|{m}*{k}|How much is {m} times {k}?|What is {a} times {b}?|{a} * {b}
    |{a} x {b}|Multiply {a} by {b}.|How much is {a} x {b}?|Result of {m} + {k}?|Give me the result of {m} - {k}.|The result of {m} plus {k}, please.|Result of {a} x {b}?""",
    """Could you tell me how much {m} + {k} is?|What is the result of {m} - {k}?|What is {a} multiplied by {b}?
    |Please multiply {m} by {k}.|Calculate the sum of {m} and {k}.""",
)


def make(rng, split):
    """A question that the model cannot answer."""
    kinds = [(OUTSIDE, ANSWERS, 10), (NOWHERE, ANSWERS, 3), (NOW, NOW_ANSWERS, 3), (TASKS, TASK_ANSWERS, 4), (BIG, BIG_ANSWERS, 3)]
    sides, answers, _ = rng.choices(kinds, [kind[2] for kind in kinds])[0]
    text = sides.ask(rng, split).format(
        p=names.full(rng, split) if rng.random() < 0.75 else names.person(rng, split),
        c=place(rng, split),
        c2=place(rng, split),
        x=capitals.nowhere(rng, split),
        s=names.surname(rng, split),
        y=rng.randint(1000, 2030),
        t=title(rng, split),
        n=rng.randint(2, 999),
        n2=rng.randint(2, 99),
        m=rng.randint(1000, 99999),
        k=rng.randint(1000, 9999),
        a=rng.randint(13, 99),
        b=rng.randint(13, 99),
        w=words.letter_word(rng, split),
        l=rng.choice(words.LANGUAGES),
        f=rng.choice(words.FOODS),
    )
    return exchange(decorate(rng, text, split), rng.choice(answers), any=["don't know", "do not know"])


def place(rng, split):
    """A country, a city, or neither."""
    chance = rng.random()
    if chance < 0.4:
        return rng.choice(capitals.COUNTRIES)[0]
    return capitals.nowhere(rng, split) if chance < 0.6 else capitals.city(rng, split)


_TITLES = Sides(
    """The {a} {b}|{a} {b}|A {b} in {c}|{b} of the {a} {b2}|The {b} and the {b2}""",
    "The Last {b} of {c}|{a} {b}s|The {a} {b2}",
)
_A = Sides(
    "Silent Golden Hidden Lost Red Broken Secret Quiet Frozen Blue Ancient Little Dark Wild".split(),
    "Crooked Velvet Midnight Hollow Northern".split(),
)
_B = Sides(
    "River Garden House Mountain Letter Winter Road Mirror Forest Star Door Ocean King Song Storm".split(),
    "Lantern Orchard Compass Staircase Violin".split(),
)


def title(rng, split):
    """The title of a book, film or song that may not exist."""
    b, b2 = _B.several(rng, split, 2)
    return _TITLES.pick(rng, split).format(a=_A.pick(rng, split), b=b, b2=b2, c=capitals.city(rng, split))


SKILLS = [Skill("unknown", make, bar=90, weight=10)]
