"""A labelled set of recruiting messages: texts made from a template, and texts that recruiters wrote themselves."""

LETTERS = {
    "rejection after interview": """Dear {{ candidate.first_name }},

Thank you for taking the time to interview with us for the {{ job.title }} position. We enjoyed learning more about \
your background and experience.

After careful consideration, we have decided not to move forward with your application at this time. This was a \
difficult decision, as we received applications from many strong candidates. We were looking for somebody whose \
experience more closely matches the needs of the team.

We will keep your details on file and may reach out if a suitable role opens up. We wish you all the best in your \
job search and future endeavours.

Kind regards,
{{ sender.name }}
{{ organisation.name }}
""",
    "invitation": """Hi {{ candidate.first_name }},

Thank you for applying to {{ organisation.name }}. We were impressed by your application and would \
like to invite you \
to a first conversation about the {{ job.title }} role. Please choose a time that works for you with the link below, \
and let us know if you need any adjustments.

Best,
{{ sender.name }}
""",
    "receipt": """Hello {{ candidate.first_name }},

Thank you for your interest in {{ organisation.name }}. We have received your application for {{ job.title }} and a \
person will read it within ten working days. You do not need to do anything else for now.

Best wishes,
{{ sender.name }}
""",
}

_FILLED = """Dear Amara,

Thank you for taking the time to interview with us for the Data Engineer position. We enjoyed learning more about \
your background and experience.

After careful consideration, we have decided not to move forward with your application at this time. This was a \
difficult decision, as we received applications from many strong candidates. We were looking for somebody whose \
experience more closely matches the needs of the team.

We will keep your details on file and may reach out if a suitable role opens up. We wish you all the best in your \
job search and future endeavours.

Kind regards,
Priya Raman
Larkfield
"""

_SENTENCES = [
    sentence.strip() for sentence in _FILLED.split("\n\n", 1)[1].partition("\n\nKind")[0].split(".") if sentence
]

FROM_THE_TEMPLATE = {
    "filled in": _FILLED,
    "another name and job": _FILLED.replace("Amara", "Jonas").replace("Data Engineer", "Senior Product Designer"),
    "other greeting and sign-off": "Hey Amara\n\n"
    + _FILLED.split("\n\n", 1)[1].partition("Kind")[0]
    + "Cheers,\nPriya",
    "no greeting, no sign-off": ". ".join(_SENTENCES) + ".",
    "sentences in reverse order": ". ".join(reversed(_SENTENCES)) + ".",
    "other punctuation": _FILLED.replace(".", " -").replace(",", ""),
    "shouted": _FILLED.upper(),
    "every line wrapped": _FILLED.replace(" ", "\n"),
    "a word in each sentence": ". ".join(
        " ".join([*sentence.split()[:4], "really", *sentence.split()[4:]]) for sentence in _SENTENCES
    ),
    "each fifth word changed": " ".join(
        "something" if place % 5 == 4 else word for place, word in enumerate(". ".join(_SENTENCES).split())
    ),
    "a personal line at the end": _FILLED.replace(
        "Kind regards",
        "It was lovely to hear about your bees. Do send me a jar of honey.\n\nKind regards",
    ),
    "a personal line at the start": _FILLED.replace(
        "Thank you for taking",
        "I still think about your story of the migration. Thank you for taking",
    ),
    "cyrillic letters": _FILLED.replace("o", "о").replace("e", "е").replace("a", "а"),
    "zero-width spaces": _FILLED.replace("i", "i\u200b").replace("er", "e\u00adr"),
    "one paragraph left out": _FILLED.replace(_FILLED.split("\n\n")[3], ""),
    "half of it": ". ".join(_SENTENCES[:4]) + ".",
    "the source itself": LETTERS["rejection after interview"],
}

THEIR_OWN = {
    "a call recalled": """Dear Amara,

Thank you for your time on Tuesday. I liked how you walked Mei through the billing migration, and I \
repeated your line \
about boring pipelines to half the office. We chose someone who has run Kafka at our volume for years, and that was \
the only gap I could name between you two. If you would like, I will call you on Friday and tell you what the panel \
said in more detail.

Kind regards,
Priya""",
    "bad news, plainly": """Hi Jonas,

I have bad news, and I would rather say it straight: the job went to somebody else. Both of you did the portfolio \
review well. What tipped it was that she had already shipped a design system across four teams, which is the first \
thing we need done here. Thank you for taking the time to meet all five of us. I know you took a day off for it.

Best,
Priya""",
    "feedback on a task": """Hello Mei,

Your take-home was the cleanest one we read this month. The tests told me what the code was for before I opened it. \
Where the two reviewers hesitated was the retry logic: it would send the same invoice twice if the \
worker died halfway. \
We talked about it for a while, and in the end decided that we need somebody who has been bitten by that before. \
Please apply again when you have been.""",
    "a second opinion": """Dear Tomas,

You asked for an honest answer. The panel split three to two. Those in favour pointed at your \
incident write-up; those \
against felt that you had not yet led a team through one. We are a small group, and nobody here \
could have coached you \
in it this year. I wish you all the best, and I mean the part about the reference.""",
    "offer call follow-up": """Hi Ines,

It was good to talk this morning. As promised, the numbers: 64,000 a year, thirty days off, and the \
four-day week from \
your second month on. Take the weekend. If your partner has questions about the move to Porto, my \
sister did the same \
thing with two children and is happy to be called.""",
    "preparing somebody": """Hi Sam,

Thursday will be three conversations. Jonas will ask you to read some code with him; he cares far more about the \
questions you ask than about what you find. Lunch is with the team and nobody takes notes there. \
The last half hour is \
mine, and it is yours to ask whatever you want to know. The door code is on the other mail. Bring a \
jumper, the meeting \
room is freezing.""",
    "stock phrases around own words": """Dear Leila,

Thank you for your interest in Larkfield. We enjoyed meeting you. I wanted to write myself because you came in three \
times. Your teaching sample made two people in the room change how they think about fractions. We \
went with a candidate \
who can start in September, since the school year will not wait for us, and you told us plainly that you could not. \
We wish you all the best in your job search.""",
    "closing a role": """Hi Andre,

The warehouse job you interviewed for no longer exists: the landlord sold the building on Monday, \
and we all learned it \
from the newspaper. You had done nothing wrong and Carla had already drawn up your rota. I have \
asked our sister company \
in Braga whether they want to talk to you, and they do. May I pass on your number?""",
    "after a final round": """Dear Noor,

After careful consideration is how these letters begin, and it is true here: we argued until eight \
in the evening. You \
gave the strongest answer to the pricing case that I have heard in six years. The person we chose \
speaks Finnish, and \
two of our three customers next year are in Oulu. It came down to that. Hugo would like to stay in touch about the \
pricing work.""",
    "short and kind": """Hi Ben, I am sorry, it is a no from us for the apprenticeship this year. \
You were the youngest \
to get to the workshop day and you kept your head when the lathe jammed. Come back in spring, ask \
for me, and skip the \
first round.""",
    "a late answer": """Dear Ms Novak,

You waited five weeks for this and should not have had to. I was ill and nobody picked up my list. \
The committee met on \
the third and preferred a colleague with a cardiology background. Doctor Silva asked me to tell you that your letter \
about night shifts is pinned up in the staff room.""",
    "a change of plan": """Hello Kofi,

We have decided to split the job in two, so the role that you applied for looks different from the \
one in the advert. \
The half that is left is mostly reporting, and you told me in our first call that reporting is what you are running \
from. I could not in good conscience sell it to you. The other half opens in January and has your \
name all over it.""",
    "thanks for the visit": """Dear Yuki,

Thank you for coming all the way from Nagoya and for the sweets, which did not survive the \
afternoon. The lab would take \
you tomorrow. The grant would not: it pays for postdocs who finished after 2021. I have written to \
the foundation to ask \
for an exception and expect their answer before the holidays.""",
}
