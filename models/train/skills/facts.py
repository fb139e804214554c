"""Facts known by heart: days, months, opposites, colours, animals, capitals.

The facts are the same on both sides; the wording is held out. A relation says how its facts are asked for and answered.
"""

from dataclasses import dataclass

from lexicon.capitals import CAPITALS
from lexicon.words import DAYS, MONTHS, article
from skills import Skill, exchange
from splits import Sides, items_of
from wording import decorate, upper_first


@dataclass
class Relation:
    """Facts of one kind: pairs (k, v), the wordings that ask for v, and the answer. There, `a` and `w` are k and v with an article."""

    facts: list
    questions: Sides
    answer: str
    #: How often it is asked for, relative to the other relations of its skill.
    weight: float = 1.0


def asking(relations):
    """Makes questions of these relations."""

    def make(rng, split):
        relation = rng.choices(relations, [relation.weight for relation in relations])[0]
        key, value = rng.choice(relation.facts)
        words = {"k": key, "a": article(key), "v": value, "w": "the sea" if value == "sea" else article(value)}
        question = decorate(rng, relation.questions.ask(rng, split).format(**words), split)
        return exchange(question, upper_first(relation.answer.format(**words)), all=[value])

    return make


def ring(items, step):
    """Each item with the one that comes `step` places after it, around."""
    return [(item, items[(index + step) % len(items)]) for index, item in enumerate(items)]


ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()

DAY_RELATIONS = [
    Relation(
        ring(DAYS, 1),
        Sides(
            """What day comes after {k}?|Which day comes after {k}?|What is the day after {k}?|What day follows {k}?
            |Which day is after {k}?|Day after {k}?|If today is {k}, what day is tomorrow?|Today is {k}. What is tomorrow?
            |Today is {k}. What day is it tomorrow?|What comes after {k}?|Which weekday follows {k}?|Name the day after {k}.
            |It is {k} today. Which day is tomorrow?|What is the next day after {k}?""",
            """Tell me which day comes after {k}.|Which day follows {k}?|If it is {k} today, what day is it tomorrow?
            |What weekday comes after {k}?|Which is the next day after {k}?""",
        ),
        "The day after {k} is {v}.",
    ),
    Relation(
        ring(DAYS, -1),
        Sides(
            """What day comes before {k}?|Which day comes before {k}?|What is the day before {k}?|Which day is before {k}?
            |Day before {k}?|If today is {k}, what day was yesterday?|Today is {k}. What was yesterday?
            |Today is {k}. What day was it yesterday?|What comes before {k}?|Name the day before {k}.
            |It is {k} today. Which day was yesterday?|What is just before {k}?|Which weekday comes before {k}?""",
            """Tell me which day comes before {k}.|If it is {k} today, what day was it yesterday?|What weekday is before {k}?
            |Which day is just before {k}?""",
        ),
        "The day before {k} is {v}.",
    ),
    Relation(
        ring(DAYS, 2),
        Sides(
            """What day is two days after {k}?|Today is {k}. What day is it in two days?|Which day is two days after {k}?
            |If today is {k}, what is the day after tomorrow?|What day comes two days after {k}?""",
            "If it is {k} today, which day is it in two days?|Tell me which day is two days after {k}.",
        ),
        "Two days after {k} is {v}.",
        0.5,
    ),
    Relation(
        list(zip(ORDINALS, DAYS, strict=False)),
        Sides(
            """What is the {k} day of the week?|Which day is the {k} day of the week?|Name the {k} day of the week.
            |The {k} day of the week is?|What day is {k} in the week?""",
            "Tell me the {k} day of the week.|Which is the {k} day in a week?",
        ),
        "The {k} day of the week is {v}.",
        0.5,
    ),
]
MONTH_RELATIONS = [
    Relation(
        ring(MONTHS, 1),
        Sides(
            """What month comes after {k}?|Which month comes after {k}?|What is the month after {k}?|What month follows {k}?
            |Which month is after {k}?|Month after {k}?|It is {k} now. What is the next month?|Name the month after {k}.
            |What is the next month after {k}?""",
            """Tell me which month comes after {k}.|Which month follows {k}?|It is {k} now. Which month is next?
            |Which is the next month after {k}?""",
        ),
        "The month after {k} is {v}.",
    ),
    Relation(
        ring(MONTHS, -1),
        Sides(
            """What month comes before {k}?|Which month comes before {k}?|What is the month before {k}?|Which month is before {k}?
            |Month before {k}?|It is {k} now. What was the last month?|Name the month before {k}.|What is just before {k}?""",
            "Tell me which month comes before {k}.|It is {k} now. Which month was before?|Which month is just before {k}?",
        ),
        "The month before {k} is {v}.",
    ),
    Relation(
        list(zip(ORDINALS, MONTHS, strict=True)),
        Sides(
            """What is the {k} month of the year?|Which month is the {k} of the year?|Name the {k} month.|The {k} month is?
            |Which month is {k}?|What is the {k} month?""",
            "Tell me the {k} month of the year.|Which is the {k} month in the year?",
        ),
        "The {k} month of the year is {v}.",
    ),
    Relation(
        list(zip(MONTHS, "31 28 31 30 31 30 31 31 30 31 30 31".split(), strict=True)),
        Sides(
            """How many days does {k} have?|How many days are in {k}?|How many days are there in {k}?|Days in {k}?
            |How long is {k}?|How many days has {k}?|What is the number of days in {k}?|Number of days in {k}?
            |{k} has how many days?|Does {k} have 30 or 31 days?""",
            "Tell me how many days {k} has.|How many days are there in the month of {k}?|How many days does the month of {k} have?",
        ),
        "{k} has {v} days.",
    ),
    Relation(
        list(zip(MONTHS, ["winter"] * 2 + ["spring"] * 3 + ["summer"] * 3 + ["autumn"] * 3 + ["winter"], strict=True)),
        Sides(
            """In which season is {k}?|What season is {k} in?|Which season is {k}?|Is {k} in summer or winter?
            |{k} is in which season?|What is the season in {k}?""",
            "Tell me the season of {k}.|Which season does {k} belong to?",
        ),
        "In the northern half of the world, {k} is in {v}.",
    ),
]

_OPPOSITES = """big small|hot cold|fast slow|up down|left right|light dark|day night|happy sad|old young|rich poor|hard soft
|strong weak|wet dry|high low|long short|early late|open closed|full empty|good bad|clean dirty|heavy light|near far|thick thin
|wide narrow|deep shallow|loud quiet|inside outside|first last|begin end|win lose|buy sell|push pull|love hate|laugh cry|give take
|come go|north south|east west|above below|before after|true false|yes no|black white|sweet sour|smooth rough|sharp blunt
|cheap expensive|easy difficult|safe dangerous|polite rude|brave cowardly|awake asleep|alive dead|new used|always never|all none
|many few|more less|most least|front back|top bottom|summer winter|peace war|friend enemy|question answer|teacher student
|arrive leave|enter exit|remember forget|find hide|build destroy|save waste|start stop|increase decrease|accept refuse
|attack defend|borrow lend|catch throw|create ruin|divide multiply|float sink|freeze melt|lock unlock|raise lower|rise fall
|sit stand|wake sleep|whisper shout|generous greedy|honest dishonest|humble proud|kind cruel|lazy hardworking|patient impatient
|simple complicated|tidy messy|visible invisible|possible impossible|healthy sick|guilty innocent|public private|modern ancient
|solid liquid|straight crooked|tight loose|wild tame|calm nervous|ripe raw|fresh stale|bright dim|tall short|beautiful ugly
|careful careless|useful useless|lucky unlucky|correct wrong|success failure|profit loss|victory defeat|truth lie|beginning ending
|sunrise sunset|morning evening|noon midnight|male female|king queen|hero villain|heaven hell|major minor|maximum minimum
|positive negative|plus minus|add subtract|include exclude|import export|forward backward|together apart|often rarely|here there
|now then|something nothing|everybody nobody|husband wife|giant dwarf|grow shrink|sunny cloudy|noisy silent|lead follow
|praise blame|tie untie|dress undress|appear disappear|agree disagree|like dislike|legal illegal|artificial natural
|optimist pessimist|permanent temporary|vertical horizontal"""

#: Pairs above in which the way back is no fact that one would teach.
_ONE_WAY = {"heavy", "new", "find", "tall", "ripe", "create"}


def _opposites():
    pairs = {}
    for text in items_of(_OPPOSITES):
        a, b = text.split(" ")
        pairs.setdefault(a, b)
        if a not in _ONE_WAY:
            pairs.setdefault(b, a)
    return list(pairs.items())


OPPOSITE_RELATIONS = [
    Relation(
        _opposites(),
        Sides(
            """What is the opposite of {k}?|Opposite of {k}?|What's the opposite of {k}?|What is the opposite of "{k}"?
            |Tell me the opposite of {k}.|{k}: opposite?|The opposite of {k} is?|Give me the opposite of {k}.
            |Which word is the opposite of {k}?|What word means the opposite of {k}?|Name the opposite of {k}.
            |Can you tell me the opposite of {k}?|Find the opposite of {k}.|I need the opposite of {k}.
            |The opposite of {k}, please.|What is the contrary of {k}?|Do you know the opposite of {k}?|Say the opposite of {k}.
            |Antonym of {k}?|What is an antonym of {k}?""",
            """Could you give me the opposite of {k}?|I am looking for the opposite of {k}.|Which word means the opposite of {k}?
            |What would be the opposite of {k}?|Please name the opposite of the word {k}.""",
        ),
        "The opposite of {k} is {v}.",
    )
]

_COLOURS_OF = """a banana:yellow|a lemon:yellow|the sun:yellow|the sky:blue|the sea:blue|grass:green|a leaf:green|a frog:green
|a cucumber:green|blood:red|a tomato:red|a strawberry:red|a cherry:red|a fire engine:red|snow:white|milk:white|salt:white
|a swan:white|a polar bear:white|coal:black|a raven:black|tar:black|the night:black|chocolate:brown|coffee:brown|wood:brown
|earth:brown|a carrot:orange|a pumpkin:orange|an orange:orange|a flamingo:pink|a pig:pink|an elephant:grey|a mouse:grey|ash:grey
|a plum:purple|an aubergine:purple|lavender:purple|a polar fox:white|spinach:green|peas:green|broccoli:green|a ruby:red
|an emerald:green|a sapphire:blue|gold:golden|a crow:black|paper:white|sugar:white|flour:white|rice:white|an egg yolk:yellow
|a chick:yellow|butter:yellow|a stop sign:red|a lime:green|a crocodile:green|a tree trunk:brown|a chestnut:brown|honey:golden
|a rain cloud:grey|a rose leaf:green|cotton:white|a tennis ball:yellow|a sunflower:yellow|a blueberry:blue|a fox:red
|cinnamon:brown|a walnut:brown|ink:blue|a cloud:white|a ladybird:red|rust:brown|ivory:white|a dolphin:grey|moss:green"""
_MIXES = """red and yellow:orange|yellow and red:orange|blue and yellow:green|yellow and blue:green|red and blue:purple
|blue and red:purple|red and white:pink|white and red:pink|black and white:grey|white and black:grey|red and green:brown
|green and red:brown"""
COLOUR_RELATIONS = [
    Relation(
        [tuple(text.split(":")) for text in items_of(_COLOURS_OF)],
        Sides(
            """What colour is {k}?|What color is {k}?|Which colour is {k}?|Which colour does {k} have?|What is the colour of {k}?
            |Colour of {k}?|Tell me the colour of {k}.|What's the color of {k}?|What colour has {k}?|Name the colour of {k}.
            |Do you know the colour of {k}?|Can you tell me what colour {k} is?|What color does {k} have?|The colour of {k} is?
            |Which color is {k}?""",
            """Tell me what colour {k} is.|Could you name the colour of {k}?|What is the usual colour of {k}?
            |Which colour would you say is {k}?|I want to know the colour of {k}.""",
        ),
        "{k} is usually {v}.",
        4,
    ),
    Relation(
        [tuple(text.split(":")) for text in items_of(_MIXES)],
        Sides(
            """What do you get when you mix {k}?|What colour do {k} make?|Which colour do {k} give?|Mix {k}. What colour is it?
            |What do {k} make?|What is {k} mixed?|Which colour do I get from {k}?|If I mix {k}, what do I get?
            |What color do you get from {k}?|Mixing {k} gives what?""",
            "Which colour do you get when you mix {k}?|I mix {k} paint. Which colour is that?|Tell me what colour {k} make.",
        ),
        "Mixing {k} gives {v}.",
    ),
]

#: animal: sound, young, home, class, legs
_ANIMALS = """dog:barks:puppy:kennel:mammal:four|cat:meows:kitten:-:mammal:four|cow:moos:calf:barn:mammal:four
|horse:neighs:foal:stable:mammal:four|sheep:bleats:lamb:fold:mammal:four|goat:bleats:kid:-:mammal:four
|pig:grunts:piglet:sty:mammal:four|lion:roars:cub:den:mammal:four|bear:growls:cub:den:mammal:four|wolf:howls:cub:den:mammal:four
|fox:barks:cub:den:mammal:four|mouse:squeaks:pup:hole:mammal:four|rabbit:-:kit:burrow:mammal:four
|elephant:trumpets:calf:-:mammal:four|monkey:chatters:infant:-:mammal:-|donkey:brays:foal:stable:mammal:four
|deer:-:fawn:forest:mammal:four|hen:clucks:chick:coop:bird:two|duck:quacks:duckling:-:bird:two|goose:honks:gosling:-:bird:two
|owl:hoots:owlet:-:bird:two|swan:-:cygnet:-:bird:two|eagle:-:eaglet:nest:bird:two|crow:caws:-:nest:bird:two
|sparrow:chirps:-:nest:bird:two|pigeon:coos:-:-:bird:two|penguin:-:chick:-:bird:two|frog:croaks:tadpole:pond:amphibian:four
|toad:croaks:tadpole:-:amphibian:four|newt:-:-:-:amphibian:four|snake:hisses:-:-:reptile:no|lizard:-:-:-:reptile:four
|turtle:-:-:-:reptile:four|crocodile:-:-:-:reptile:four|shark:-:pup:sea:fish:no|salmon:-:-:-:fish:no|trout:-:-:-:fish:no
|goldfish:-:-:-:fish:no|herring:-:-:-:fish:no|bee:buzzes:larva:hive:insect:six|ant:-:larva:anthill:insect:six
|butterfly:-:caterpillar:-:insect:six|fly:buzzes:maggot:-:insect:six|beetle:-:larva:-:insect:six|wasp:-:larva:nest:insect:six
|grasshopper:chirps:-:-:insect:six|mosquito:-:-:-:insect:six|spider:-:-:web:arachnid:eight|scorpion:-:-:-:arachnid:eight
|whale:-:calf:sea:mammal:no|dolphin:-:calf:sea:mammal:no|bat:-:pup:cave:mammal:two|tiger:roars:cub:-:mammal:four
|giraffe:-:calf:-:mammal:four|zebra:-:foal:-:mammal:four|kangaroo:-:joey:-:mammal:two|squirrel:-:kit:-:mammal:four
|beaver:-:kit:lodge:mammal:four|badger:-:cub:sett:mammal:four|hedgehog:-:hoglet:-:mammal:four|camel:-:calf:-:mammal:four
|hamster:-:pup:-:mammal:four|rooster:crows:-:coop:bird:two|parrot:-:chick:-:bird:two|ostrich:-:chick:-:bird:two
|crab:-:-:-:crustacean:ten|lobster:-:-:-:crustacean:ten|octopus:-:-:-:mollusc:-|snail:-:-:shell:mollusc:no"""
_ROWS = [row.split(":") for row in items_of(_ANIMALS)]


def _column(index):
    return [(row[0], row[index]) for row in _ROWS if row[index] != "-"]


ANIMAL_RELATIONS = [
    Relation(
        _column(1),
        Sides(
            """What sound does {a} make?|Which sound does {a} make?|What does {a} do when it makes a sound?|How does {a} sound?
            |Sound of {a}?|What noise does {a} make?|What is the sound of {a}?|What does {a} say?|Tell me what sound {a} makes.
            |Which noise does {a} make?""",
            "Tell me which sound {a} makes.|What kind of sound does {a} make?|What noise do you hear from {a}?",
        ),
        "{a} {v}.",
    ),
    Relation(
        _column(2),
        Sides(
            """What is a baby {k} called?|What do you call a baby {k}?|What is a young {k} called?|What is the name of a baby {k}?
            |Baby {k}: what is it called?|How do you call a young {k}?|What is the young of {a} called?
            |What are baby animals of the {k} called?|A baby {k} is called?|Name for a young {k}?""",
            "Tell me what a baby {k} is called.|What do people call a young {k}?|Which word is there for a baby {k}?",
        ),
        "A young {k} is called {w}.",
    ),
    Relation(
        _column(3),
        Sides(
            """Where does {a} live?|Where does {a} sleep?|What is the home of {a}?|What is the home of {a} called?|Home of {a}?
            |In what does {a} live?|Where do you find {a}?|{a} lives where?""",
            "Tell me where {a} lives.|Where is the home of {a}?|Where would {a} live?",
        ),
        "{a} lives in {w}.",
    ),
    Relation(
        [(animal, article(kind)) for animal, kind in _column(4)],
        Sides(
            """What kind of animal is {a}?|What type of animal is {a}?|Is {a} a mammal or a bird?|Which kind of animal is {a}?
            |What class of animal is {a}?|What is {a}?|Is {a} a fish, a bird or a mammal?|Which animal class does {a} belong to?
            |To which class belongs {a}?|Is {a} a mammal?""",
            "Tell me what kind of animal {a} is.|To which kind of animals does {a} belong?|What sort of animal is {a}?",
        ),
        "{a} is {v}.",
    ),
    Relation(
        _column(5),
        Sides(
            """How many legs does {a} have?|How many legs has {a}?|Number of legs of {a}?|On how many legs does {a} walk?
            |What number of legs does {a} have?|{a} has how many legs?|How many legs are on {a}?|Count the legs of {a}.""",
            "Tell me how many legs {a} has.|How many legs would {a} have?|What is the number of legs of {a}?",
        ),
        "{a} has {v} legs.",
    ),
]
CAPITAL_RELATIONS = [
    Relation(
        CAPITALS,
        Sides(
            """What is the capital of {k}?|Capital of {k}?|What's the capital of {k}?|Tell me the capital of {k}.
            |Which city is the capital of {k}?|{k} capital|The capital of {k} is?|What is the capital city of {k}?
            |Name the capital of {k}.|Do you know the capital of {k}?|Can you tell me the capital of {k}?
            |What city is the capital of {k}?|Give me the capital of {k}.|{k}: what is the capital?
            |What is the name of the capital of {k}?|Which is the capital of {k}?|Say the capital of {k}.
            |I need the capital of {k}.|What capital does {k} have?|The capital of {k}?|What is {k}'s capital?
            |Which capital belongs to {k}?|What do you call the capital of {k}?""",
            """Could you tell me the capital of {k}?|I want to know the capital of {k}.|Which city is the capital city of {k}?
            |Please name the capital city of {k}.|What is the name of the capital city of {k}?|What is the capital called in {k}?""",
        ),
        "The capital of {k} is {v}.",
        3,
    ),
    Relation(
        [(capital, place) for place, capital in CAPITALS],
        Sides(
            """{k} is the capital of which country?|Of which country is {k} the capital?|Which country has the capital {k}?
            |{k} is the capital of what?|What is {k} the capital of?|Which place has {k} as its capital?
            |What country is {k} the capital of?|{k} is the capital of?|Whose capital is {k}?
            |Name the country whose capital is {k}.""",
            "Tell me of which country {k} is the capital.|Which country's capital is {k}?|Of what is {k} the capital?",
        ),
        "{k} is the capital of {v}.",
    ),
]

SKILLS = [
    Skill("days_months", asking(DAY_RELATIONS + MONTH_RELATIONS), bar=85, weight=3),
    Skill("opposites", asking(OPPOSITE_RELATIONS), bar=85, weight=3.5),
    Skill("colours", asking(COLOUR_RELATIONS), bar=85, weight=3),
    Skill("animals", asking(ANIMAL_RELATIONS), bar=85, weight=4),
    Skill("capitals", asking(CAPITAL_RELATIONS), bar=85, weight=7),
]
