"""Facts that the demo model learns, each with ways to state it and to ask for it."""

# country: (capital, continent, language)
COUNTRIES = {
    "France": ("Paris", "Europe", "French"), "Germany": ("Berlin", "Europe", "German"),
    "Italy": ("Rome", "Europe", "Italian"), "Spain": ("Madrid", "Europe", "Spanish"),
    "Portugal": ("Lisbon", "Europe", "Portuguese"), "England": ("London", "Europe", "English"),
    "Ireland": ("Dublin", "Europe", "English"), "Greece": ("Athens", "Europe", "Greek"),
    "Poland": ("Warsaw", "Europe", "Polish"), "Austria": ("Vienna", "Europe", "German"),
    "Sweden": ("Stockholm", "Europe", "Swedish"), "Norway": ("Oslo", "Europe", "Norwegian"),
    "Finland": ("Helsinki", "Europe", "Finnish"), "Denmark": ("Copenhagen", "Europe", "Danish"),
    "Hungary": ("Budapest", "Europe", "Hungarian"), "Russia": ("Moscow", "Europe", "Russian"),
    "Japan": ("Tokyo", "Asia", "Japanese"), "China": ("Beijing", "Asia", "Chinese"),
    "India": ("New Delhi", "Asia", "Hindi"), "Thailand": ("Bangkok", "Asia", "Thai"),
    "Vietnam": ("Hanoi", "Asia", "Vietnamese"), "Turkey": ("Ankara", "Asia", "Turkish"),
    "Egypt": ("Cairo", "Africa", "Arabic"), "Kenya": ("Nairobi", "Africa", "Swahili"),
    "Morocco": ("Rabat", "Africa", "Arabic"), "Ghana": ("Accra", "Africa", "English"),
    "Canada": ("Ottawa", "North America", "English"),
    "Mexico": ("Mexico City", "North America", "Spanish"),
    "Cuba": ("Havana", "North America", "Spanish"),
    "Brazil": ("Brasilia", "South America", "Portuguese"),
    "Argentina": ("Buenos Aires", "South America", "Spanish"),
    "Peru": ("Lima", "South America", "Spanish"), "Chile": ("Santiago", "South America", "Spanish"),
    "Australia": ("Canberra", "Australia", "English"),
}

# One relation: statements, answer to a question, questions, pairs. {a} is what is
# asked about, {b} what is known of it.
RELATIONS = [
    (["The capital of {a} is {b}.", "The capital of {a} is {b}.", "{b} is the capital of {a}.",
      "The capital city of {a} is {b}."],
     "The capital of {a} is {b}.",
     ["What is the capital of {a}?", "What is the capital of {a}?",
      "What is the capital city of {a}?", "Which city is the capital of {a}?",
      "Can you tell me the capital of {a}?", "Do you know the capital of {a}?"],
     [(country, facts[0]) for country, facts in COUNTRIES.items()]),
    (["{a} is in {b}.", "{a} is a country in {b}."],
     "It is in {b}.",
     ["Where is {a}?", "In which part of the world is {a}?", "On which continent is {a}?"],
     [(country, facts[1]) for country, facts in COUNTRIES.items() if country != "Australia"]),
    (["People in {a} speak {b}.", "In {a}, people speak {b}."],
     "They speak {b} there.",
     ["What language do people speak in {a}?", "Which language do they speak in {a}?"],
     [(country, facts[2]) for country, facts in COUNTRIES.items()]),
    (["{b} is the capital of {a}."],
     "{b} is the capital of {a}.",
     [],
     [(country, facts[0]) for country, facts in COUNTRIES.items()]),
    (["The color of {a} is {b}.", "The color of {a} is {b}."],
     "The color of {a} is {b}.",
     ["What color is {a}?", "What is the color of {a}?", "Which color does {a} have?"],
     [("the sky", "blue"), ("grass", "green"), ("snow", "white"), ("the sun", "yellow"),
      ("blood", "red"), ("coal", "black"), ("a banana", "yellow"), ("a lemon", "yellow"),
      ("a carrot", "orange"), ("an orange", "orange"), ("a strawberry", "red"),
      ("a tomato", "red"), ("milk", "white"), ("chocolate", "brown"), ("a frog", "green"),
      ("an elephant", "gray"), ("a leaf", "green"), ("a cherry", "red"), ("the sea", "blue"),
      ("a cloud", "white"), ("the night sky", "black"), ("honey", "gold")]),
    (["A {a} says {b}.", "The {a} says {b}."],
     "A {a} says {b}.",
     ["What does a {a} say?", "What sound does a {a} make?", "What does the {a} say?"],
     [("dog", "woof"), ("cat", "meow"), ("cow", "moo"), ("duck", "quack"), ("sheep", "baa"),
      ("pig", "oink"), ("hen", "cluck"), ("frog", "croak"), ("bee", "buzz"), ("lion", "roar"),
      ("horse", "neigh"), ("mouse", "squeak"), ("owl", "hoot"), ("snake", "hiss")]),
    (["A baby {a} is called a {b}.", "A young {a} is called a {b}."],
     "A baby {a} is called a {b}.",
     ["What is a baby {a} called?", "What do we call a young {a}?", "What is a young {a} called?"],
     [("dog", "puppy"), ("cat", "kitten"), ("cow", "calf"), ("sheep", "lamb"), ("horse", "foal"),
      ("hen", "chick"), ("bear", "cub"), ("lion", "cub"), ("frog", "tadpole"), ("deer", "fawn"),
      ("duck", "duckling"), ("pig", "piglet"), ("kangaroo", "joey")]),
    (["A {a} has {b} legs."],
     "A {a} has {b} legs.",
     ["How many legs does a {a} have?", "How many legs has a {a}?"],
     [("dog", "four"), ("cat", "four"), ("spider", "eight"), ("bird", "two"), ("bee", "six"),
      ("horse", "four"), ("snake", "no"), ("fish", "no"), ("hen", "two"), ("ant", "six"),
      ("cow", "four"), ("duck", "two"), ("fly", "six"), ("mouse", "four"), ("table", "four")]),
    (["The opposite of {a} is {b}."],
     "The opposite of {a} is {b}.",
     ["What is the opposite of {a}?", "Which word is the opposite of {a}?",
      "Tell me the opposite of {a}."],
     [pair for left, right in [
         ("hot", "cold"), ("big", "small"), ("tall", "short"), ("fast", "slow"), ("up", "down"),
         ("day", "night"), ("happy", "sad"), ("open", "closed"), ("old", "young"),
         ("good", "bad"), ("light", "dark"), ("hard", "soft"), ("wet", "dry"), ("full", "empty"),
         ("loud", "quiet"), ("rich", "poor"), ("early", "late"), ("strong", "weak"),
         ("left", "right"), ("black", "white"), ("first", "last"), ("near", "far")]
      for pair in ((left, right), (right, left))]),
    (["The day after {a} is {b}.", "After {a} comes {b}."],
     "The day after {a} is {b}.",
     ["What day comes after {a}?", "Which day is after {a}?", "What is the day after {a}?"],
     [("Monday", "Tuesday"), ("Tuesday", "Wednesday"), ("Wednesday", "Thursday"),
      ("Thursday", "Friday"), ("Friday", "Saturday"), ("Saturday", "Sunday"),
      ("Sunday", "Monday")]),
    (["The month after {a} is {b}.", "After {a} comes {b}."],
     "The month after {a} is {b}.",
     ["What month comes after {a}?", "Which month is after {a}?"],
     [("January", "February"), ("February", "March"), ("March", "April"), ("April", "May"),
      ("May", "June"), ("June", "July"), ("July", "August"), ("August", "September"),
      ("September", "October"), ("October", "November"), ("November", "December"),
      ("December", "January")]),
    (["There are {b} {a}."],
     "There are {b} {a}.",
     ["How many {a} are there?", "Do you know how many {a} there are?"],
     [("days in a week", "seven"), ("months in a year", "twelve"), ("hours in a day", "24"),
      ("minutes in an hour", "60"), ("seconds in a minute", "60"), ("seasons in a year", "four"),
      ("days in a year", "365"), ("weeks in a year", "52"), ("fingers on a hand", "five"),
      ("letters in the alphabet", "26"), ("planets around the sun", "eight")]),
    (["A {a} has {b} sides."],
     "A {a} has {b} sides.",
     ["How many sides does a {a} have?", "How many sides has a {a}?"],
     [("triangle", "three"), ("square", "four"), ("rectangle", "four"), ("pentagon", "five"),
      ("hexagon", "six")]),
    (["{a} live in {b}."],
     "They live in {b}.",
     ["Where do {a} live?", "In what place do {a} live?"],
     [("Fish", "water"), ("Birds", "nests"), ("Bees", "hives"), ("Whales", "the sea"),
      ("Camels", "the desert"), ("Penguins", "cold places"), ("Rabbits", "holes in the ground"),
      ("Spiders", "webs"), ("Bears", "the forest"), ("Lions", "the grassland")]),
    (["{a} eat {b}."],
     "They eat {b}.",
     ["What do {a} eat?", "What food do {a} like?"],
     [("Rabbits", "grass and carrots"), ("Cows", "grass"), ("Cats", "fish and mice"),
      ("Birds", "seeds and worms"), ("Bears", "honey and fish"), ("Monkeys", "bananas"),
      ("Squirrels", "nuts"), ("Frogs", "flies"), ("Lions", "meat"), ("Horses", "hay"),
      ("Pandas", "bamboo"), ("Owls", "mice")]),
    (["{a} is made of {b}."],
     "It is made of {b}.",
     ["What is {a} made of?"],
     [("Bread", "flour"), ("Ice", "water"), ("Cheese", "milk"), ("Paper", "wood"),
      ("Glass", "sand"), ("Butter", "milk"), ("Chocolate", "cocoa")]),
    (["A {a} {b}."],
     "A {a} {b}.",
     ["What does a {a} do?", "What is the work of a {a}?"],
     [("baker", "bakes bread"), ("teacher", "teaches children"), ("doctor", "helps sick people"),
      ("farmer", "grows food"), ("pilot", "flies planes"), ("cook", "makes food"),
      ("painter", "paints pictures"), ("singer", "sings songs"), ("sailor", "sails ships"),
      ("firefighter", "puts out fires"), ("gardener", "takes care of plants")]),
    (["{a} is {b}."],
     "It is {b}.",
     ["What is {a}?", "Do you know what {a} is?"],
     [("The sun", "a star"), ("The moon", "a ball of rock that goes around the earth"),
      ("A rose", "a flower"), ("An apple", "a fruit"), ("A carrot", "a vegetable"),
      ("A whale", "an animal that lives in the sea"), ("Gold", "a metal"), ("A violin",
      "a musical instrument"), ("A robin", "a bird"), ("A compiler",
      "a program that turns one language into another"), ("A book", "a set of pages with words"),
      ("Rain", "water that falls from the clouds"), ("A desert", "a dry place with much sand"),
      ("The Nile", "a long river in Africa"), ("The earth", "the planet on which we live")]),
]
WEIGHTS = [9, 2, 2, 1, 2, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1]


def lower_first(a):
    """A name's form inside a sentence: "The sun" becomes "the sun"."""
    head = a.split()[0]
    inner = {"The", "A", "An", "Fish", "Birds", "Bees", "Whales", "Camels", "Penguins", "Rabbits",
             "Spiders", "Bears", "Lions", "Cows", "Cats", "Monkeys", "Squirrels", "Frogs", "Horses",
             "Pandas", "Owls", "Bread", "Ice", "Cheese", "Paper", "Glass", "Butter", "Chocolate",
             "Gold", "Rain"}
    return a[0].lower() + a[1:] if head in inner else a


def fix_articles(text):
    """Corrects "a ant" and the like, which the templates produce."""
    for noun in ("ant", "owl", "elephant"):
        text = text.replace(f"a {noun}", f"an {noun}").replace(f"A {noun}", f"An {noun}")
    return text


def fact(rng):
    """(statement, question, answer) of one fact."""
    statements, answer, questions, pairs = rng.choices(RELATIONS, WEIGHTS)[0]
    a, b = rng.choice(pairs)
    statement = fix_articles(rng.choice(statements).format(a=a, b=b))
    answer = fix_articles(answer.format(a=a, b=b))
    if not questions:
        return statement, f"Which country has the capital {b}?", answer
    question = fix_articles(rng.choice(questions).format(a=lower_first(a), b=b))
    return statement, question, answer


def country_text(rng):
    """A short paragraph about one country."""
    country = rng.choice(list(COUNTRIES))
    capital, continent, language = COUNTRIES[country]
    where = "It is a very big country." if country == "Australia" else f"It is in {continent}."
    lines = [rng.choice([f"The capital of {country} is {capital}.",
                         f"{capital} is the capital of {country}.",
                         f"{country} is a country. Its capital is {capital}."]),
             rng.choice([f"People in {country} speak {language}.",
                         f"The people there speak {language}."])]
    if lines[0].startswith("The capital"):
        lines.insert(1, f"{country} is a very big country." if country == "Australia"
                     else f"{country} is in {continent}.")
    elif not lines[0].startswith(capital):
        lines.insert(1, where)
    return " ".join(lines)
