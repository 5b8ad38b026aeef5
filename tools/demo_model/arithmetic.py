"""Small sums, bare and told: "7 + 5 = 12", "What is 7 plus 5?", a short tale."""

from stories import BOYS, GIRLS

THINGS = ["apples", "books", "balls", "eggs", "coins", "flowers", "stones", "cookies", "pears",
          "shells"]
WORDS = {"+": "plus", "-": "minus", "*": "times"}


def operands(rng):
    """(a, operator, b, result) with results from 0 to 100."""
    operator = rng.choices("+-*", [5, 3, 1])[0]
    if operator == "*":
        a, b = rng.randint(0, 10), rng.randint(0, 10)
        return a, operator, b, a * b
    top = 10 if rng.random() < 0.75 else 20
    a, b = rng.randint(0, top), rng.randint(0, top)
    if operator == "-":
        a, b = max(a, b), min(a, b)
        return a, operator, b, a - b
    return a, operator, b, a + b


def lines(rng):
    """Some sums under each other, as in an exercise book."""
    sums = [operands(rng) for _ in range(rng.randint(1, 6))]
    return "\n".join(f"{a} {op} {b} = {c}" for a, op, b, c in sums)


def question(rng):
    """(question, answer) about one sum or about two numbers."""
    if rng.random() < 0.15:
        a, b = rng.sample(range(1, 30), 2)
        word, best = rng.choice([("bigger", max(a, b)), ("smaller", min(a, b))])
        return f"Which number is {word}, {a} or {b}?", f"{best} is {word}."
    a, op, b, c = operands(rng)
    word = WORDS[op]
    if rng.random() < 0.3:
        return rng.choice([f"What is {a} {op} {b}?", f"{a} {op} {b} = ?"]), f"{a} {op} {b} = {c}"
    asked = rng.choice([f"What is {a} {word} {b}?", f"How much is {a} {word} {b}?",
                        f"Can you tell me what {a} {word} {b} is?"])
    return asked, f"{a} {word} {b} is {c}."


def tale(rng):
    """(question, answer) of a sum told with people and things."""
    first, second = rng.choice(BOYS), rng.choice(GIRLS)
    if rng.random() < 0.5:
        first, second = second, first
    he, him = ("he", "him") if first in BOYS else ("she", "her")
    thing = rng.choice(THINGS)
    a, b = rng.randint(2, 10), rng.randint(2, 10)
    if rng.random() < 0.5:
        text = f"{first} has {a} {thing}. {second} gives {him} {b} more."
        result = a + b
    else:
        a, b = max(a, b) + 1, min(a, b)
        text = f"{first} has {a} {thing}. {he.title()} gives {b} to {second}."
        result = a - b
    noun = thing.rstrip("s") if result == 1 else thing
    return (f"{text} How many {thing} does {first} have now?",
            f"Now {first} has {result} {noun}.")


def counting(rng):
    """A run of numbers, upwards or downwards."""
    start, length = rng.randint(0, 20), rng.randint(5, 12)
    step = rng.choice([1, 1, 1, 2])
    numbers = [start + step * i for i in range(length)]
    if rng.random() < 0.3:
        numbers.reverse()
    return ", ".join(map(str, numbers))
