"""Facts known by heart: days, months, opposites, colours, animals, capitals.

The facts are the same on both sides; the wording is held out. A relation says how its facts are asked for and answered.
"""

from dataclasses import dataclass

from lexicon.capitals import CAPITALS
from lexicon.words import DAYS, MONTHS, article
from skills import Skill, exchange
from splits import Sides, items_of, wordings
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
        wordings("facts.day_after"),
        "The day after {k} is {v}.",
    ),
    Relation(
        ring(DAYS, -1),
        wordings("facts.day_before"),
        "The day before {k} is {v}.",
    ),
    Relation(
        ring(DAYS, 2),
        wordings("facts.day_after_two"),
        "Two days after {k} is {v}.",
        0.5,
    ),
    Relation(
        list(zip(ORDINALS, DAYS, strict=False)),
        wordings("facts.day_by_place"),
        "The {k} day of the week is {v}.",
        0.5,
    ),
]
MONTH_RELATIONS = [
    Relation(
        ring(MONTHS, 1),
        wordings("facts.month_after"),
        "The month after {k} is {v}.",
    ),
    Relation(
        ring(MONTHS, -1),
        wordings("facts.month_before"),
        "The month before {k} is {v}.",
    ),
    Relation(
        list(zip(ORDINALS, MONTHS, strict=True)),
        wordings("facts.month_by_place"),
        "The {k} month of the year is {v}.",
    ),
    Relation(
        list(zip(MONTHS, "31 28 31 30 31 30 31 31 30 31 30 31".split(), strict=True)),
        wordings("facts.month_days"),
        "{k} has {v} days.",
    ),
    Relation(
        list(zip(MONTHS, ["winter"] * 2 + ["spring"] * 3 + ["summer"] * 3 + ["autumn"] * 3 + ["winter"], strict=True)),
        wordings("facts.month_season"),
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
        wordings("facts.opposite"),
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
        wordings("facts.colour_of"),
        "{k} is usually {v}.",
        4,
    ),
    Relation(
        [tuple(text.split(":")) for text in items_of(_MIXES)],
        wordings("facts.colour_mix"),
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
        wordings("facts.animal_sound"),
        "{a} {v}.",
    ),
    Relation(
        _column(2),
        wordings("facts.animal_young"),
        "A young {k} is called {w}.",
    ),
    Relation(
        _column(3),
        wordings("facts.animal_home"),
        "{a} lives in {w}.",
    ),
    Relation(
        [(animal, article(kind)) for animal, kind in _column(4)],
        wordings("facts.animal_kind"),
        "{a} is {v}.",
    ),
    Relation(
        _column(5),
        wordings("facts.animal_legs"),
        "{a} has {v} legs.",
    ),
]
CAPITAL_RELATIONS = [
    Relation(
        CAPITALS,
        wordings("facts.capital_of"),
        "The capital of {k} is {v}.",
        3,
    ),
    Relation(
        [(capital, place) for place, capital in CAPITALS],
        wordings("facts.country_of"),
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
