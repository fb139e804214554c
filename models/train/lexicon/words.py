"""Common words, mostly short, by what they name."""

from lexicon import fresh
from splits import TRAIN, divide

#: Of three to seven letters, for tasks about letters. Training spells them all; only the training side is also reversed or counted.
WORDS = sorted(
    set(
        """able acid actor age air alarm album angel angle ankle apple apron arch arm army arrow art ash atlas attic aunt award axe baby back
    bacon bag bake ball banana band bank barn base basket bat bath beach bead beam bean bear bed bee bell belt bench berry bike bird
    bite black blade blanket block blue board boat body bolt bone book boot bottle bowl box boy brain branch brave bread brick bridge bright
    brown brush bucket bug bus bush butter button cabin cable cake calm camel camera camp candle candy cap car card carpet carrot castle
    cat cave chain chair chalk cheese cherry chess chest chin circle city class clay clean clever cliff clock cloth cloud clown coal coast
    coat coffee coin cold comb cook cool corn corner cotton cow crab crane cream crown cup curtain daisy dance dark dawn day deer desk dish
    doctor dog doll donkey door dragon drawer dream dress drink drum dry duck dust eagle ear earth east easy egg elbow engine eye face
    fall farm fast father feather fence fig film finger fire fish flag flame flat floor flour flower flute fly fog foot forest fork fox
    frame fresh friend frog frost fruit game garden garlic gate ghost giant gift girl glass globe glove goat gold good goose grape grass
    gray green ground guest guitar hair hall hammer hand happy hat hawk head heart heavy heel hen hill honey hook horn horse hotel hour
    house hut ice ink iron island jacket jam jar jelly jewel job juice jump jungle key kind king kitchen kite kitten knee knife knot ladder
    lady lake lamb lamp land lava leaf leg lemon letter light lily lime line lion lip list lizard lock log long loud love lucky lunch
    magic mail man map maple marble market mask meadow meal melon metal milk mill mint mirror money monkey moon morning moth mother
    motor mouse mouth mud mug music nail name napkin neck needle nest net new night noise north nose note nurse nut oak ocean office oil
    olive onion orange oven owl paint pan panda paper park parrot party path paw peach pear pearl pen pencil pepper piano picnic pie pig
    pilot pine pink pipe pizza plan planet plant plate play plum pocket poem pond pony pool potato pot prince pupil puppy purple queen quick
    quiet rabbit radio rain rat raven red rice ring river road robin robot rock roof room rope rose ruler sad sail salad salt sand scarf
    school sea seal seed shark sheep shelf shell ship shirt shoe shop silk silver sister skin sky sled sleep slow smile smoke snail snake
    snow soap sock sofa soft song soup south spider spoon spring square stable stair stamp star stick stone storm story stove straw
    street string strong sugar summer sun swan sweet table tail tall tea teacher tent thumb ticket tiger tile time toast tomato tooth
    torch towel tower town toy train tree truck trumpet tulip tunnel turtle uncle valley van vase village violin voice wagon wall
    warm watch water wave wax west whale wheat wheel white wind window wine wing winter wolf wood wool word world worm yard year yellow
    young zebra""".split()
    )
)

#: The same list, the training side and the held-out side of tasks about letters.
LETTER_WORDS = divide(WORDS, "letters", percent=15)


fresh.reserve(LETTER_WORDS.test)


def letter_word(rng, split):
    """A word of a side to be copied: in training often one that is in no list."""
    if split == TRAIN and rng.random() < 0.5:
        return fresh.word(rng)
    return rng.choice(LETTER_WORDS.of(split))


FRUITS = "apple pear plum cherry peach lemon orange banana grape melon fig mango kiwi apricot papaya coconut".split()
VEGETABLES = "carrot onion potato tomato cabbage pea bean leek spinach radish pumpkin garlic beet turnip celery".split()
THINGS = """book cup pen ball hat coin shell stamp button marble key stone card spoon plate candle ribbon toy flower sticker pencil brick
bottle box basket""".split()
GOODS = """lamps chairs mugs books pens plates towels pillows candles blankets notebooks backpacks bottles bowls baskets mirrors clocks
cushions rugs vases shelves knives spoons tents helmets gloves scarves jackets shirts socks keyboards cables headphones batteries""".split()
COLOURS = "red blue green yellow black white brown pink purple orange grey silver golden turquoise".split()
JOBS = """teacher doctor nurse baker farmer pilot painter gardener cook carpenter plumber lawyer engineer writer singer dentist driver
librarian fisherman firefighter photographer architect tailor waiter programmer""".split()
HOBBIES = """chess swimming painting cycling reading hiking gardening dancing fishing singing cooking running skiing knitting climbing
photography sailing juggling origami archery""".split()
FOODS = """pizza soup pasta rice salad bread cheese curry pancakes noodles sushi tacos dumplings porridge lasagne stew waffles falafel
ramen omelettes""".split()
SUBJECTS = "maths history music art biology chemistry geography physics sport drama".split()
WEATHER = ["sunny", "cloudy", "rainy", "snowy", "windy", "foggy", "stormy", "clear"]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
MONTHS = "January February March April May June July August September October November December".split()
LANGUAGES = "French Spanish German Italian Japanese Chinese Arabic Russian Portuguese Dutch Swedish Greek Turkish Polish".split()
CURRENCIES = "USD EUR GBP JPY CHF CAD AUD SEK NOK DKK INR CNY BRL MXN".split()
PLURALS = {
    "cherry": "cherries",
    "peach": "peaches",
    "mango": "mangoes",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "leek": "leeks",
    "spinach": "spinach",
    "radish": "radishes",
    "toy": "toys",
    "box": "boxes",
    "celery": "celery",
    "berry": "berries",
}


def plural(noun):
    """The plural of a noun of these lists."""
    return PLURALS.get(noun, noun + "s")


def article(noun):
    """A noun with "a" or "an"."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun
