"""Remembering what the user said: their name, home, pets, numbers, and the first thing that they asked.

Between what is said and the question there may be other turns, which `mix` puts there: this module marks the place.
"""

from collections.abc import Callable
from dataclasses import dataclass

from lexicon import capitals, fresh, names, words
from skills import Sample, Skill, assistant, user
from splits import TRAIN, Sides
from wording import upper_first

#: Where other turns may come in.
GAP = {"role": "gap"}


@dataclass
class Memory:
    """Something to remember: how it is drawn, said, acknowledged, asked for, and repeated."""

    value: Callable
    said: Sides
    noted: str
    asked: Sides
    answer: str
    #: What is answered where it was never said.
    missing: str


MEMORIES = {
    "name": Memory(
        names.person,
        Sides(
            """My name is {v}.|I am {v}.|I'm {v}.|Good morning, I am {v}.|They call me {v}.|At home they call me {v}.|Remember that I am {v}.|You should know that my name is {v}.|My first name is {v}.|My parents named me {v}.|It is me, {v}.|Call me {v}.|You can call me {v}.|Hi, I am {v}.|Hello, my name is {v}.
            |People call me {v}.|The name is {v}.|Please call me {v}.|Hi! My name is {v}.
            |By the way, my name is {v}.|Hey, {v} here.|This is {v}.|Everyone calls me {v}.""",
            "Hello, I'm {v}.|Hey, my name is {v}.|My friends call me {v}.|By the way, I am {v}.|Just so you know, my name is {v}.",
        ),
        "Nice to meet you, {v}!",
        Sides(
            """What is my name?|What's my name?|Who am I?|Do you remember my name?|Do you know my name?|Tell me my name.
            |What am I called?|Say my name.|What was my name?|Can you tell me my name?|Do you still know my name?
            |What is my name again?|What did I say my name was?|My name?|How am I called?|Which name did I give you?|What name do I have?|Which name is mine?|Repeat my name.|I forgot my name. What is it?|What should you call me?|Can you say who I am?|You know my name, right?|Please say my name.|What name have I told you?|Do you recall my name?|Who is talking to you?""",
            """Could you tell me my name?|Do you still remember my name?|Please tell me what my name is.|What name did I tell you?
            |Do you know who I am?""",
        ),
        "Your name is {v}.",
        "You have not told me your name yet.",
    ),
    "city": Memory(
        capitals.city,
        Sides(
            """I live in {v}.|My home is in {v}.|I come from {v}.|I am from {v}.|I'm from {v}.|My city is {v}.
            |I have lived in {v} for years.|I moved to {v}.|I was born in {v} and live there.|My family lives in {v} and so do I.
            |My flat is in {v}.|I am living in {v} now.""",
            "I am at home in {v}.|These days I live in {v}.|My house is in {v}.|I live in the city of {v}.",
        ),
        "I will remember that you live in {v}.",
        Sides(
            """Where do I live?|In which city do I live?|Which city do I live in?|Where is my home?|Do you remember where I live?
            |Which city am I from?|Where am I from?|Do you know where I live?|Tell me where I live.|What city do I live in?
            |Where did I say I live?|Which city did I mention?|What city did I tell you?|Repeat my city.|What is the name of my city?|Which place is my home?|What town do I live in?|Do you recall where I live?|What is my city?""",
            "Can you tell me where I live?|Do you still know where I live?|In what city is my home?|Please tell me which city I live in.",
        ),
        "You live in {v}.",
        "You have not told me where you live.",
    ),
    "age": Memory(
        lambda rng, split: str(rng.randint(5, 99)),
        Sides(
            """I am {v} years old.|I'm {v} years old.|I am {v}.|My age is {v}.|I turned {v} this year.|I just turned {v}.|I'm {v}.
            |My last birthday was number {v}.|I have just had my birthday and am {v} now.|I am already {v} years old.""",
            "This year I turned {v}.|I am now {v} years old.|Since last week I am {v} years old.",
        ),
        "I will remember that you are {v} years old.",
        Sides(
            """How old am I?|What is my age?|What's my age?|Do you remember how old I am?|Do you know my age?
            |Tell me how old I am.|How old did I say I am?|My age?|Which age did I mention?|What is the age I told you?|Repeat my age.|How many years old am I?|Do you recall my age?|What age am I?|Do you know how old I am?""",
            "Can you tell me how old I am?|What age did I tell you?|Do you still know my age?|Please tell me my age.",
        ),
        "You are {v} years old.",
        "You have not told me your age.",
    ),
    "colour": Memory(
        lambda rng, split: rng.choice(words.COLOURS),
        Sides(
            """My favourite colour is {v}.|My favorite color is {v}.|I like {v} the most of all colours.
            |The colour I like best is {v}.|{v} is my favourite colour.|Of all colours I like {v} best.|I love the colour {v}.
            |My favourite color has always been {v}.""",
            "The colour that I love most is {v}.|If you ask me, {v} is the best colour.|For me, {v} is the nicest colour.",
        ),
        "I will remember that your favourite colour is {v}.",
        Sides(
            """What is my favourite colour?|What's my favorite color?|Which colour do I like best?
            |Do you remember my favourite colour?|Do you know my favorite color?|Tell me my favourite colour.
            |Which color do I like most?|My favourite colour?|What colour do I love?|What did I say my favourite colour is?|Which colour did I mention?|What colour did I tell you?|Which colour do I love most?|Do you recall my favourite colour?|The colour that I like best, which is it?""",
            """Can you tell me my favourite colour?|Which colour is my favourite?|What colour do I like best?
            |Do you still know my favourite colour?""",
        ),
        "Your favourite colour is {v}.",
        "You have not told me your favourite colour.",
    ),
    "number": Memory(
        lambda rng, split: str(rng.choice((rng.randint(1, 99), rng.randint(100, 9999)))),
        Sides(
            """My favourite number is {v}.|Remember the number {v}.|Please remember this number: {v}.|Keep the number {v} in mind.
            |The secret number is {v}.|My lucky number is {v}.|The number is {v}.|Note the number {v}.|The code is {v}.
            |My number is {v}.|Don't forget the number {v}.""",
            "Please keep this number in mind: {v}.|I want you to remember the number {v}.|Here is a number to remember: {v}.",
        ),
        "I will remember the number {v}.",
        Sides(
            """What is the number?|What number did I tell you?|Which number did I give you?|What was the number?
            |Do you remember the number?|Tell me the number.|What is my number?|Which number should you remember?
            |The number, please.|What number did I say?|Do you still know the number?|Repeat the number.|Say the number again.|Which number did I mention?|What was the secret number?|Give me the number back.|Which number did I ask you to keep?|Do you recall the number?|Please say the number.|What number have I given you?|Please give me the number.""",
            """Can you tell me the number that I gave you?|Which number did I tell you?|What number should you keep in mind?
            |Please repeat the number.""",
        ),
        "The number is {v}.",
        "You have not told me a number.",
    ),
    "word": Memory(
        lambda rng, split: words.letter_word(rng, split),
        Sides(
            """Remember the word {v}.|The secret word is {v}.|Please remember this word: {v}.|The password is {v}.
            |Keep the word {v} in mind.|My code word is {v}.|Don't forget the word {v}.|Note the word {v}.|The word is {v}.""",
            "Please keep this word in mind: {v}.|I want you to remember the word {v}.|Here is a word to remember: {v}.",
        ),
        "I will remember the word {v}.",
        Sides(
            """What is the word?|What word did I tell you?|Which word did I give you?|What was the word?|Do you remember the word?
            |Tell me the word.|What is the secret word?|Which word should you remember?|The word, please.|What word did I say?
            |Repeat the word.|Say the word again.|Which word did I mention?|What was the secret word?|Do you still have the word?|Give me the word back.|The word that I told you, what was it?|Which word did I ask you to keep?|Do you recall the word?|Please say the word.|What word have I given you?|Please give me the word.""",
            """Can you tell me the word that I gave you?|Which word did I tell you?|What word should you keep in mind?
            |Please repeat the word.""",
        ),
        "The word is {v}.",
        "You have not told me a word.",
    ),
    "job": Memory(
        lambda rng, split: words.article(rng.choice(words.JOBS)),
        Sides(
            """I am {v}.|I work as {v}.|My job: I am {v}.|I'm {v} by trade.|For a living I work as {v}.
            |I have been {v} for ten years.|At work I am {v}.|I became {v} last year.""",
            "I earn my money as {v}.|These days I work as {v}.|My job is to be {v}.",
        ),
        "I will remember that you are {v}.",
        Sides(
            """What is my job?|What do I do for a living?|What's my job?|What do I work as?|Do you remember my job?
            |Tell me what my job is.|Do you know my job?|What is my profession?|What did I say my job is?|Which job did I mention?|What job did I tell you?|Repeat my job.|What is my work?|Do you recall my job?|Which profession do I have?""",
            "Can you tell me what my job is?|Which job do I have?|Do you still know what I work as?",
        ),
        "You are {v}.",
        "You have not told me your job.",
    ),
    "hobby": Memory(
        lambda rng, split: rng.choice(words.HOBBIES),
        Sides(
            """My hobby is {v}.|I like {v}.|I love {v}.|In my free time I enjoy {v}.|{v} is my hobby.|What I like most is {v}.
            |I enjoy {v} very much.|My favourite hobby is {v}.|The hobby I have is {v}.|When I have time I enjoy {v}.|I spend my weekends with {v}.|I am a fan of {v}.|{v} makes me happy.|I am crazy about {v}.""",
            "On weekends I enjoy {v}.|The hobby that I love is {v}.|I am very fond of {v}.",
        ),
        "I will remember that you like {v}.",
        Sides(
            """What is my hobby?|What do I like to do?|What's my hobby?|Do you remember my hobby?|Which hobby do I have?
            |Tell me my hobby.|What do I enjoy?|What do I do in my free time?|What did I say my hobby is?|Which hobby did I tell you?|What hobby did I mention?|What hobby have I got?|Repeat my hobby.|Which hobby did I talk about?|What was my hobby?|Do you recall my hobby?|What am I fond of?""",
            "Can you tell me what my hobby is?|Do you still know my hobby?|What hobby did I tell you about?",
        ),
        "You like {v}.",
        "You have not told me your hobby.",
    ),
    "food": Memory(
        lambda rng, split: rng.choice(words.FOODS),
        Sides(
            """My favourite food is {v}.|I love to eat {v}.|My favorite food is {v}.|The food I like best is {v}.
            |I could eat {v} every day.|{v} is my favourite food.|I like {v} more than any other food.""",
            "The food that I love most is {v}.|For me, {v} is the best food.|Nothing tastes better to me than {v}.",
        ),
        "I will remember that your favourite food is {v}.",
        Sides(
            """What is my favourite food?|What's my favorite food?|Which food do I like best?|What do I love to eat?
            |Do you remember my favourite food?|Tell me my favourite food.|What food do I like?|What do I like to eat?|Which food did I mention?|What food did I tell you?|Which dish is my favourite?|Do you recall my favourite food?|What food do I love most?|The food I like best, what is it?""",
            "Can you tell me my favourite food?|Which food is my favourite?|Do you still know what I like to eat?",
        ),
        "Your favourite food is {v}.",
        "You have not told me your favourite food.",
    ),
}

_KIN = ["sister", "brother", "mother", "father", "friend", "son", "daughter", "teacher", "neighbour", "cousin", "boss", "aunt", "uncle"]
_ANIMALS = ["dog", "cat", "hamster", "rabbit", "parrot", "horse", "turtle", "goldfish", "pony", "mouse", "canary"]


def named(kinds, value):
    """A memory for each relative or pet, whose name is to be remembered."""
    for kind in kinds:
        yield (
            kind,
            Memory(
                value,
                Sides(
                    f"""My {kind}'s name is {{v}}.|My {kind} is called {{v}}.|I have a {kind} named {{v}}.
                    |I have a {kind} called {{v}}.|The name of my {kind} is {{v}}.|{{v}} is my {kind}.|My {kind} is named {{v}}.
                    |This is about my {kind} {{v}}.""",
                    f"My {kind} has the name {{v}}.|There is a {kind} in my life, called {{v}}.|Let me tell you about {{v}}, my {kind}.",
                ),
                f"I will remember that your {kind} is called {{v}}.",
                Sides(
                    f"""What is my {kind}'s name?|What is the name of my {kind}?|What is my {kind} called?
                    |Do you remember the name of my {kind}?|What's my {kind}'s name?|Tell me the name of my {kind}.
                    |How is my {kind} called?|Do you know my {kind}'s name?|What did I say my {kind} is called?|Which name did I give you for my {kind}?|What was the name of my {kind}?|My {kind} is called what?|Do you recall the name of my {kind}?|Say the name of my {kind}.|Repeat my {kind}'s name.|What name has my {kind}?""",
                    f"Can you tell me the name of my {kind}?|Do you still know what my {kind} is called?|Which name does my {kind} have?",
                ),
                f"Your {kind} is called {{v}}.",
                f"You have not told me the name of your {kind}.",
            ),
        )


def pet_name(rng, split):
    """A name for a pet."""
    if split == TRAIN and rng.random() < 0.4:
        return names.invented(rng, split)
    return names.PETS.pick(rng, split)


MEMORIES |= dict(named(_KIN, names.person)) | dict(named(_ANIMALS, pet_name))

#: The nine of the user, and one of the named at random.
KINDS = ["name", "name", "city", "age", "colour", "number", "word", "job", "hobby", "food", _KIN, _ANIMALS]

FIRST = Sides(
    """What was my first message?|What did I say first?|What was the first thing I said?|Repeat my first message.
    |What did I write first?|What was the first thing that I asked?|Tell me my first message.|How did I start?|What did I say at first?|What was the start of this chat?|Say my first message again.|With what did I begin?|What did I tell you in the beginning?|What were my first words?|My first message, please.|Quote my first message.|What was the very first thing you heard from me?|What did I say in the first message?|What stood in my first message?|At the beginning, what did I say?|Which message was my first?|What did I write at the beginning?""",
    "Can you repeat my first message?|Which was the first thing I said?|What did I say at the very start?",
)


def several_kinds(rng, count):
    """Different kinds of memories."""
    kinds = []
    while len(kinds) < count:
        kind = rng.choice(KINDS)
        kind = rng.choice(kind) if isinstance(kind, list) else kind
        if kind not in kinds and not {"number", "word"} <= {kind, *kinds}:
            kinds.append(kind)
    return kinds


def make(rng, split):
    """A conversation in which things are said and then asked for."""
    chance = rng.random()
    if chance < 0.10:
        return first_message(rng, split)
    count = rng.choice((1, 1, 1, 2, 2, 3))
    kinds = several_kinds(rng, count + 1)
    absent = kinds.pop()
    values = {kind: MEMORIES[kind].value(rng, split) for kind in kinds}
    messages = []
    together = rng.random() < 0.4
    for group in [kinds] if together else [[kind] for kind in kinds]:
        said = " ".join(upper_first(MEMORIES[kind].said.pick(rng, split).format(v=values[kind])) for kind in group)
        noted = (
            MEMORIES[group[0]].noted.format(v=values[group[0]])
            if len(group) == 1
            else rng.choice(["Thank you, I will remember that.", "I will remember all of that."])
        )
        messages += [user(said), assistant(noted), GAP]
    if split == TRAIN and rng.random() < 0.12:
        kind = rng.choice(kinds)
        values[kind] = MEMORIES[kind].value(rng, split)
        again = MEMORIES[kind].said.pick(rng, split).format(v=values[kind])
        again = rng.choice(["Sorry, that was wrong. {}", "No, wait. {}", "Actually, that is wrong. {}"]).format(upper_first(again))
        messages += [user(again), assistant(MEMORIES[kind].noted.format(v=values[kind])), GAP]
    asked = rng.sample(kinds, rng.randint(1, count) if split == TRAIN else 1)
    if rng.random() < 0.12:
        asked[-1] = absent
    for kind in asked:
        memory = MEMORIES[kind]
        known = kind in values
        answer = memory.answer.format(v=values[kind]) if known else memory.missing
        expected = {"all": [values[kind]]} if known else {"any": ["not told me", "haven't told me"]}
        messages += [user(careless(rng, memory.asked.ask(rng, split), split)), assistant(answer)]
    return Sample(messages, expected)


def careless(rng, text, split):
    """A question as people type it; it holds no names."""
    if split == TRAIN and rng.random() < 0.15:
        text = text.lower()
    if split == TRAIN and rng.random() < 0.12:
        text = text.rstrip("?.")
    if split == TRAIN and rng.random() < 0.1:
        text = rng.choice(["And now: ", "Tell me, ", "OK. ", "Hey, ", "One more thing: ", "Thanks. "]) + text
    return text


def first_message(rng, split):
    """What the user said first, word for word."""
    kind = several_kinds(rng, 1)[0]
    memory = MEMORIES[kind]
    said = upper_first(memory.said.pick(rng, split).format(v=memory.value(rng, split)))
    if split == TRAIN and rng.random() < 0.5:
        said = fresh.sentence(rng) + rng.choice(".!")
    # Of what was said only the value is in the note, which is what a note is for.
    value_noted = rng.choice(["Thank you, I will remember that.", "All right, I will remember that."])
    messages = [user(said), assistant(value_noted), GAP, user(FIRST.ask(rng, split)), assistant(f'You said: "{said}"')]
    return Sample(messages, {"all": [said.rstrip(".")]})


SKILLS = [Skill("recall", make, bar=95, weight=18)]
