"""Story plots with a moral, as old fables have them.

The form is the one that plots_home.py explains.
"""

SMALL_HELPER = {
    "slots": {
        "big": ["a big bear", "a strong horse", "a great lion", "a tall elephant"],
        "stuck": ["had a thorn in its foot", "was caught in a net",
                  "could not get out of a deep hole", "had lost the key to its house"],
    },
    "steps": [
        ["{n} was the smallest of all, and the others laughed at {him}.",
         "{n} was very small, and {he} wanted to be big.",
         "\"I am too small to do anything,\" {n} often said."],
        ["\"You cannot help anyone,\" they said.",
         "{f} said, \"It does not matter how big you are.\"",
         "{He} could not reach the high places, and {he} could not run fast."],
        ["One day {n} met {big} that {stuck}.",
         "One day there was a loud cry. It was {big} that {stuck}.",
         "Then one morning {f} came running. \"Come quickly! There is {big} that {stuck}.\""],
        ["Everyone tried to help, but nobody could do it.",
         "The others were too big to help.",
         "\"Who can help me?\" it cried."],
        ["\"I will try,\" said {n}.",
         "\"Let me do it,\" said {n}, and the others laughed.",
         "{n} was afraid, but {he} went closer."],
        ["Because {he} was so small, {he} could do what nobody else could do.",
         "{His} small size was just right for the work.",
         "{He} worked slowly and with great care."],
        ["Soon the big animal was free and happy again.",
         "After a short time it was done, and everyone cheered.",
         "\"It does not hurt any more!\" said the big animal."],
        ["\"You may be small, but you have a big heart,\" it said.",
         "\"Thank you, little friend,\" it said. \"I will never forget you.\"",
         "From then on, nobody laughed at {n}."],
        ["And {n} never wanted to be big again.",
         "{n} was proud and happy, just as {he} was.",
         "The two became good friends and often went for a walk together."],
    ],
}

RACE = {
    "slots": {
        "goal": ["the big tree", "the old bridge", "the top of the hill", "the river", "the mill"],
        "rest": ["sat down to eat some berries", "lay down to sleep", "stopped to play",
                 "looked at the clouds"],
    },
    "steps": [
        ["{f} could run very fast and was proud of it.",
         "{f} always said, \"I am the fastest of all.\"",
         "Nobody could run as fast as {f}."],
        ["One day {f} laughed at {n}, because {n} was slow.",
         "\"You are so slow,\" {f} said to {n}.",
         "\"Let us have a race,\" said {n} one day, and {f} laughed."],
        ["\"We will run to {goal},\" said {n}.",
         "They decided to run to {goal}.",
         "All the others came to see who would be the first at {goal}."],
        ["One, two, three, go! {f} was far ahead at once.",
         "{f} ran like the wind, and {n} was far behind.",
         "When the race began, {f} was soon out of sight."],
        ["\"I have a lot of time,\" said {f}, and {rest}.",
         "{f} looked back, saw nobody, and {rest}.",
         "Because it was so easy, {f} {rest}."],
        ["But {n} did not stop. Step by step {he} went on.",
         "{n} walked and walked and never stopped.",
         "{n} was tired, but {he} kept going."],
        ["When {f} looked up again, {n} was already at {goal}!",
         "{f} ran as fast as {fhe} could, but it was too late. {n} was the first.",
         "And so {n} came to {goal} first, and everyone cheered."],
        ["\"You are the winner,\" said {f}. \"I am sorry that I laughed.\"",
         "{f} said, \"I will never laugh at you again.\"",
         "{n} smiled and said, \"It was a good race.\""],
        ["And they both learned that slow and steady wins the race.",
         "After that they were good friends.",
         "Then they shared some apples and walked home together."],
    ],
}

FABLE_PLOTS = [SMALL_HELPER, RACE]
