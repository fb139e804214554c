"""First names of people, and names that nobody has.

A name that the model never saw must be copied letter by letter. Real names alone would teach it to know names by heart, so about half of
the training names are made up from syllables.
"""

from lexicon import fresh
from splits import TEST, TRAIN, Sides, draw

GIRLS = Sides(
    """Anna Maria Lucy Emma Sophie Clara Julia Laura Nina Eva Ella Mia Zoe Lily Rosa Elena Sara Hanna Marta Olga Vera Irene Alice Amelia
    Beatrice Carla Diana Edith Fiona Grace Helen Ida Jane Kate Linda Mary Nora Olivia Paula Ruth Susan Tina Wendy Yara Aisha Fatima Leila
    Mei Yuki Priya Anita Chiara Ingrid Astrid Freya Greta Heidi Ivy Jasmine Karin Lena Molly Nadia Penny Rachel Sandra Tara Violet Amy Betty
    Chloe Daisy Emily Flora Hazel Isla Joan Katya Lola Maya""".split(),
    """Matilda Rosalind Yasmin Henrietta Sigrid Noemi Farida Camille Dorothea Pippa Thea Imogen Saskia Wilma Xenia Bronwyn Anneke Luisa Tamsin
    Odette Kiran Philippa Marisol Naomi Edda""".split(),
)

BOYS = Sides(
    """Tom Jack Peter Paul David Daniel Mark Luke Adam Noah Leo Max Ben Sam Oscar Felix Hugo Oliver Henry George James John Robert Michael
    Martin Simon Victor Walter Arthur Albert Bruno Carl Diego Erik Frank Fred Gabriel Harry Ivan Jacob Karl Lucas Marco Nico Omar Pablo
    Rafael Stefan Theo Viktor William Yusuf Ali Ahmed Kenji Hiro Wei Ravi Arjun Sanjay Mateo Luca Anton Boris Dmitri Finn Gustav Hans Igor
    Joel Kevin Liam Milo Nathan Otto Philip Ralph Steve Tim""".split(),
    """Barnaby Cedric Rupert Tobias Quentin Emeka Lorenzo Magnus Osvaldo Percy Rashid Silas Thaddeus Ulrich Wendell Yannick Zoltan Alistair
    Bertrand Callum Dashiell Everett Fabian Gideon Horace""".split(),
)

#: For names that are common to both, and of pets.
PETS = Sides(
    """Rex Bella Coco Pepper Biscuit Shadow Ginger Luna Bobby Fluffy Snowy Tiger Patch Buddy Cookie Nala Simba Rocky Muffin Oreo Smokey
    Whiskers Honey Spot Ziggy Mittens Toffee Bandit Rusty Peanut""".split(),
    """Sprout Waffles Nimbus Domino Truffle Gizmo Pickles Marble Noodle Captain Bramble Tango""".split(),
)

_STARTS = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr kr pr sh st th tr".split()
_MIDDLES = "a e i o u ai ea ia oo".split()
_ENDS = ["", "n", "r", "l", "s", "m", "k", "t", "nd", "x"]


def invented(rng, split):
    """A name of two or three syllables that is in no list. One in ten is only for tests."""

    def make():
        if split == TRAIN and rng.random() < 0.7:
            return fresh.name(rng)
        count = rng.choice((2, 2, 2, 3))
        syllables = [rng.choice(_STARTS) + rng.choice(_MIDDLES) for _ in range(count)]
        return ("".join(syllables) + rng.choice(_ENDS)).capitalize()

    return draw(split, make, lambda name: ("invented", name))


def girl(rng, split):
    """A girl's name."""
    return GIRLS.pick(rng, split)


def boy(rng, split):
    """A boy's name."""
    return BOYS.pick(rng, split)


def person(rng, split):
    """A first name: a real one, or for training often an invented one."""
    if split == TRAIN and rng.random() < 0.65:
        return invented(rng, split)
    return (GIRLS if rng.random() < 0.5 else BOYS).pick(rng, split)


def pet(rng, split):
    """A pet's name: one of the list, or for training often an invented one, a word, or a name that people have. Were known names only pets' and
    new ones only people's, nothing would have to be read to tell an owner from a pet.
    """
    if split == TEST or rng.random() < 0.35:
        return PETS.pick(rng, split)
    chance = rng.random()
    if chance < 0.5:
        return invented(rng, split)
    return fresh.free(lambda: fresh.any_word(rng).capitalize()) if chance < 0.8 else person(rng, split)


def people(rng, split, count):
    """Different first names."""
    names = []
    while len(names) < count:
        name = person(rng, split)
        if name not in names:
            names.append(name)
    return names


def full(rng, split):
    """A first name and a surname."""
    return f"{person(rng, split)} {surname(rng, split)}"


SURNAMES = Sides(
    """Smith Jones Brown Miller Taylor Wilson Clark Baker Hill Green King Moore Young Wood Stone Fisher Carter Fox Lake Rivers Garcia Lopez
    Rossi Ferrari Schmidt Weber Novak Ivanov Petrov Tanaka Sato Kim Lee Chen Wang Singh Khan Patel Silva Costa Larsen Berg Lund Dubois
    Moreau Kowalski Nagy Popescu Yilmaz Hansen""".split(),
    """Whitfield Ostrowski Bergström Castellano Nakamura Okafor Delacroix Hawthorne Vasquez Lindqvist Pemberton Achterberg Marchetti Rahimi
    Sorensen Underhill""".split(),
)


def surname(rng, split):
    """A surname, for training often an invented one."""
    if split == TRAIN and rng.random() < 0.6:
        return invented(rng, split)
    return SURNAMES.pick(rng, split)


#: Names of the training side, of which others are made.
REAL = [*GIRLS.train, *BOYS.train, *SURNAMES.train, *PETS.train]

for _sides in (GIRLS, BOYS, PETS, SURNAMES):
    fresh.reserve(_sides.test)
