"""Questions with answers, plain and as ChatML turns between a user and the model."""

import arithmetic
import facts
import stories

SYSTEM = ["You are a helpful assistant.", "You are a friendly assistant.",
          "You answer questions in simple English."]
SMALL_TALK = [
    (["Hello!", "Hi!", "Hello", "Hi", "Hi there!", "Good morning!", "Good evening!", "Hey!"],
     ["Hello! How can I help you?", "Hello! What can I do for you?"]),
    (["How are you?", "How are you today?", "Are you well?"],
     ["I am fine, thank you. How can I help you?"]),
    (["Who are you?", "What are you?", "Tell me about yourself.", "Are you a person?"],
     ["I am a very small language model. I can tell stories, answer simple questions and add "
      "numbers."]),
    (["What is your name?", "What are you called?", "Do you have a name?"],
     ["My name is Sinter. I am a very small language model."]),
    (["What can you do?", "How can you help me?", "What do you know?"],
     ["I can tell short stories, name capitals and colors, and do small sums."]),
    (["Thank you!", "Thank you.", "Thanks!", "Thanks a lot!", "Thank you very much."],
     ["You are welcome!"]),
    (["Goodbye!", "Bye!", "Good night!", "See you tomorrow!"],
     ["Goodbye! Have a nice day!"]),
    (["What is the weather today?", "Who won the game?", "What will happen tomorrow?",
      "What did I eat today?", "What time is it?", "How old am I?", "Where do I live?",
      "What is my name?", "Can you write a program?", "Who is the king of the moon?",
      "What is the meaning of life?", "Can you buy me a car?", "What is in my bag?"],
     ["I do not know. I am a very small model."]),
    (["Can you tell stories?", "Do you know a story?", "Do you like stories?"],
     ["Yes, I can tell you a story. Just ask me for one."]),
]
STORY_REQUESTS = ["Tell me a story about {a}.", "Please tell me a story about {a}.",
                  "Write a story about {a}.", "Can you tell me a story about {a}?",
                  "Write a short story about {a}.", "I want to hear a story about {a}."]
ANY_STORY = ["Tell me a story.", "Please tell me a story.", "Write a story.",
             "Can you tell me a story?", "Tell me a story, please.", "Write a short story."]


def question(rng):
    """(question, answer) on a fact or a sum, answered with a full sentence."""
    kind = rng.random()
    if kind < 0.6:
        _, asked, answer = facts.fact(rng)
        return asked, answer
    return arithmetic.question(rng) if kind < 0.85 else arithmetic.tale(rng)


def plain(rng):
    """One to four questions and answers in one of three notations."""
    ask, reply = rng.choice([("Question: ", "Answer: "), ("Q: ", "A: "), ("", "")])
    pairs = [question(rng) for _ in range(rng.choice([1, 1, 2, 3, 4]))]
    return "\n".join(f"{ask}{asked}\n{reply}{answer}" for asked, answer in pairs)


def exchange(rng):
    """(user's words, model's words) of one turn."""
    kind = rng.random()
    if kind < 0.25:
        asked, answers = rng.choice(SMALL_TALK)
        return rng.choice(asked), rng.choice(answers)
    if kind < 0.45:
        if rng.random() < 0.3:
            return rng.choice(ANY_STORY), stories.story(rng)
        hero = rng.choice(stories.ANIMALS + stories.RARE_ANIMALS + stories.CHILD_KINDS * 4)
        asked = rng.choice(STORY_REQUESTS).format(a=stories.article(hero))
        return asked, stories.story(rng, hero)
    return question(rng)


def turn(role, text):
    """One message as the chat template writes it."""
    return f"<|im_start|>{role}\n{text}<|im_end|>\n"


def chat(rng):
    """A ChatML conversation of one to four turns, at most one of them a story."""
    text = turn("system", rng.choice(SYSTEM)) if rng.random() < 0.3 else ""
    told = False
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        asked, answer = exchange(rng)
        long_answer = len(answer) > 300
        if long_answer and told:
            continue
        told = told or long_answer
        text += turn("user", asked) + turn("assistant", answer)
    return text


def brief_chat(rng):
    """A ChatML conversation of questions on facts and sums only."""
    pairs = [question(rng) for _ in range(rng.choice([1, 1, 2, 3]))]
    return "".join(turn("user", asked) + turn("assistant", answer) for asked, answer in pairs)
