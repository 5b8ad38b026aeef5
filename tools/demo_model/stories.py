"""Tells seeded stories: a hero, a plot, one way to say each step, an end."""

from plots_fables import FABLE_PLOTS
from plots_home import CHILD_ONLY, HOME_PLOTS, NEW_FRIEND
from plots_outside import OUTSIDE_PLOTS

PLOTS = HOME_PLOTS + OUTSIDE_PLOTS + FABLE_PLOTS

BOYS = ["Tom", "Ben", "Max", "Sam", "Leo", "Jack", "Peter", "Paul", "Tim", "Finn", "Oscar", "Hugo",
        "Adam", "Noah", "David", "Daniel"]
GIRLS = ["Anna", "Lily", "Mia", "Emma", "Sara", "Lucy", "Nina", "Ella", "Rosa", "Clara", "Zoe",
         "Ida", "Maria", "Julia", "Eva", "Kate"]
ANIMALS = ["fox", "rabbit", "mouse", "bear", "bird", "duck", "cat", "dog", "frog", "hedgehog",
           "squirrel", "owl", "turtle", "pig", "lamb", "hen"]
RARE_ANIMALS = ["dragon", "wolf", "lion", "monkey", "horse", "cow", "goat", "bee", "snail",
                "penguin", "elephant", "tiger", "deer", "beaver", "kitten", "puppy", "robot"]
ANIMAL_NAMES = ["Rusty", "Pip", "Bella", "Coco", "Momo", "Daisy", "Rufus", "Nora", "Toby", "Luna",
                "Otto", "Poppy", "Bruno", "Hazel", "Milo", "Ruby"]
SHE_ANIMALS = {"Bella", "Coco", "Daisy", "Nora", "Luna", "Poppy", "Hazel", "Ruby"}
HE_FAMILY = {"father", "grandfather", "uncle", "brother"}
CHILD_HOMES = ["in a small house by the sea", "in a little village", "near a big forest",
               "in a white house on a hill", "in a big city", "on a farm", "next to a river",
               "in a town with a high tower"]
ANIMAL_HOMES = ["in a deep forest", "under an old oak tree", "near a blue lake", "on a green hill",
                "in a warm hole in the ground", "by a quiet river", "at the edge of the woods",
                "in an old garden"]
CHILD_TRAITS = ["little", "young", "kind", "brave", "clever", "happy", "curious"]
ANIMAL_TRAITS = ["little", "small", "brown", "young", "clever", "kind", "curious", "brave"]
CHILD_KINDS = ["boy", "girl"]
OPENINGS = ["Once upon a time, there was {hero}.", "Once upon a time there was {hero}.",
            "Once upon a time, {hero} lived {home}.", "Once upon a time, there lived {hero}.",
            "There was once {hero}.", "Long ago, there was {hero}.",
            "Long, long ago, {hero} lived {home}.", "This is the story of {hero}.",
            "In a land far away, there was {hero}.", "One day {hero} woke up very early.",
            "It was a sunny morning, and {hero} was happy."]
HOME_LINES = ["{n} lived {home}.", "{He} lived {home}.", "{His} home was {home}."]
FRIEND_LINES = ["{His} best friend was {friend}.", "{n} had a good friend, {friend}.",
                "{He} often played with {friend}.", "{n} and {his} friend {f} were always together."]
ENDINGS = ["The end.", "And that is the end of the story.", "And they lived happily ever after."]


def article(noun):
    """The noun with "a" or "an" before it."""
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def pronouns(prefix, female):
    """The pronoun slots of one character."""
    he, him, his = ("she", "her", "her") if female else ("he", "him", "his")
    words = {"he": he, "him": him, "his": his, "He": he.title(), "His": his.title()}
    return {prefix + key: value for key, value in words.items()}


def made_up_name(rng):
    """A name of two or three syllables, so that copying an unknown name is learned."""
    syllables = [rng.choice("bdfghklmnprstvz") + rng.choice("aeiou")
                 for _ in range(rng.choice([2, 2, 3]))]
    return ("".join(syllables) + rng.choice(["", "", "n", "l", "s"])).title()


def character(rng, animal, kind=None):
    """(name, noun phrase with the name, is female) of a new character."""
    strange = made_up_name(rng) if rng.random() < 0.15 else None
    if animal:
        kind = kind or rng.choice(ANIMALS if rng.random() < 0.75 else RARE_ANIMALS)
        name = rng.choice(sorted(SHE_ANIMALS) if kind == "hen" else ANIMAL_NAMES)
        female = rng.random() < 0.5 if strange else name in SHE_ANIMALS
        name = strange or name
        phrase = f"{rng.choice(ANIMAL_TRAITS)} {kind} named {name}"
        return name, article(phrase), female
    female = rng.random() < 0.5
    noun = kind or ("girl" if female else "boy")
    female = noun == "girl"
    name = strange or rng.choice(GIRLS if female else BOYS)
    return name, article(f"{rng.choice(CHILD_TRAITS)} {noun} named {name}"), female


def cast(rng, animal, kind):
    """The slots of the hero and of a friend with another name."""
    name, hero, female = character(rng, animal, kind)
    friend_name = name
    while friend_name == name:
        friend_name, friend, friend_female = character(rng, animal)
    slots = {"n": name, "hero": hero, "f": friend_name, "friend": friend}
    slots["home"] = rng.choice(ANIMAL_HOMES if animal else CHILD_HOMES)
    slots.update(pronouns("", female))
    slots.update(pronouns("f", friend_female))
    return slots


def plot_slots(rng, plot):
    """The plot's own slots, with the pronouns that some of them bring along."""
    slots = {key: rng.choice(choices) for key, choices in plot["slots"].items()}
    if "who" in slots:
        slots["he_who"] = "he" if slots["who"] in HE_FAMILY else "she"
    if "old" in slots:
        noun = slots["old"].removeprefix("an ")
        slots["old_he"] = "he" if noun == "old man" else "she"
        slots["the_old"], slots["the_Old"] = "the " + noun, "The " + noun
    return slots


def story(rng, kind=None):
    """One whole story; kind fixes the hero ("fox", "girl") where it is given."""
    animal = kind not in CHILD_KINDS if kind else rng.random() < 0.5
    plot = rng.choice([p for p in PLOTS if not (animal and p in CHILD_ONLY)])
    slots = cast(rng, animal, kind) | plot_slots(rng, plot)
    if plot is NEW_FRIEND:  # this plot says itself where the hero lives, and who comes
        lines = [rng.choice([o for o in OPENINGS if "{home}" not in o])]
    else:
        lines = [rng.choice(OPENINGS)]
        if "{home}" not in lines[0]:
            lines.append(rng.choice(HOME_LINES))
        lines.append(rng.choice(FRIEND_LINES))
    lines += [rng.choice(step) for step in plot["steps"]]
    if rng.random() < 0.5:
        lines.append(rng.choice(ENDINGS))
    return " ".join(lines).format(**slots)
