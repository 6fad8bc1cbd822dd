"""What the people of the demo company wrote: fourteen templates, and mails of their own to single candidates."""

from dataclasses import dataclass

from messaging.policy.floor import Touchpoint


@dataclass(frozen=True, kw_only=True)
class Text:
    name: str
    touchpoint: Touchpoint
    signed_by: str | None
    subject: str
    body: str


TEMPLATES = (
    Text(
        name="Thank you for applying",
        touchpoint=Touchpoint.ACKNOWLEDGEMENT,
        signed_by="coordinator",
        subject="Your application for {{ job.title }} arrived",
        body="""Dear {{ candidate.first_name }},

Your application for {{ job.title }} is here, complete, and in the hands of people.

Here is what happens now. {{ job.department | default: "The team" }} reads on Tuesdays and Thursdays, so you can expect to hear from us within five working days. If we need longer, I will write and say so.

If something changes for you in the meantime, just answer this mail. I read the replies myself.

{{ sender.name }}
{{ sender.title | default: "Recruiting" }}, {{ organisation.name }}""",
    ),
    Text(
        name="Thank you for applying (early careers)",
        touchpoint=Touchpoint.ACKNOWLEDGEMENT,
        signed_by="coordinator",
        subject="We have your application, {{ candidate.first_name }}",
        body="""Hello {{ candidate.first_name }},

Good that you applied for {{ job.title }}. For many people this is one of their first applications, so let me say plainly how it works here.

Two of us read every application. After that you either get a small piece of work to do, which takes about an hour, or an answer from us with a reason. You will hear within five working days in both cases.

You do not need to send anything else. If you forgot a document, answer this mail and attach it; that is no disadvantage.

{{ sender.name }}
{{ organisation.name }}""",
    ),
    Text(
        name="We are reading your application",
        touchpoint=Touchpoint.STATUS_UPDATE,
        signed_by="recruiter",
        subject="{{ job.title }}: your application is being read",
        body="""Dear {{ candidate.first_name }},

A short note so that you do not have to wonder: your application for {{ job.title }} passed the first look, and {{ job.department | default: "the team" }} is reading it closely this week.

You do not have to do anything. The next mail from me brings either a proposal for a first talk on the phone or a clear answer.

Best wishes
{{ sender.name }}""",
    ),
    Text(
        name="It takes us longer than we said",
        touchpoint=Touchpoint.STATUS_UPDATE,
        signed_by="recruiter",
        subject="Still on it: your application for {{ job.title }}",
        body="""Dear {{ candidate.first_name }},

I said that you would hear from us this week, and we are late. That is on our side and says nothing about your application.

We have not decided yet. I will write again as soon as we have, and at the latest in a week, whatever the state is.

Thank you for your patience
{{ sender.name }}""",
    ),
    Text(
        name="Let us find a time to talk",
        touchpoint=Touchpoint.SCHEDULING,
        signed_by="recruiter",
        subject="Would you like to talk? {{ job.title }}",
        body="""Dear {{ candidate.first_name }},

We would like to get to know you. The first talk takes half an hour on the phone, it is about what you want to do next, and there is no test in it.

Could you send me two or three times in the coming week that suit you? Early or late is fine with us; I know that most people are at work.

I look forward to it
{{ sender.name }}
{{ sender.phone | default: "" }}""",
    ),
    Text(
        name="A small piece of work",
        touchpoint=Touchpoint.INFORMATION_REQUEST,
        signed_by="coordinator",
        subject="{{ job.title }}: one hour of work, and a week to do it",
        body="""Hello {{ candidate.first_name }},

The next step for {{ job.title }} is a small task. You find it on {{ organisation.website | default: "our careers page" }} under your name. Please take one hour and not more; we stop reading where the hour would be over.

Send it back within a week by answering this mail. If the week is a bad one, tell me and we move the date.

Good luck
{{ sender.name }}""",
    ),
    Text(
        name="Before you visit us",
        touchpoint=Touchpoint.INTERVIEW_PREPARATION,
        signed_by="recruiter",
        subject="Your visit{% if interview.date %} on {{ interview.date }}{% endif %}: what to expect",
        body="""Dear {{ candidate.first_name }},

We look forward to meeting you{% if interview.date %} on {{ interview.date }} at {{ interview.time | default: "the agreed time" }}{% endif %}.

You will talk with {{ interview.interviewers | default: "two people of the team" }} for about an hour. They will ask about work that you are proud of and about something that went wrong, and they will leave you time for your own questions. Nobody will ask you to solve puzzles.

We are at {{ interview.place | default: "the address below" }}. If you need a lift, a quiet room or anything else, tell me and it will be there.

{{ sender.name }}
{{ organisation.address_line | default: "" }}""",
    ),
    Text(
        name="Where we stand after your interview",
        touchpoint=Touchpoint.STATUS_UPDATE,
        signed_by="recruiter",
        subject="After your interview for {{ job.title }}",
        body="""Dear {{ candidate.first_name }},

Thank you again for the time you took. We are still talking to others for {{ job.title }} and want to give everybody the same fair chance, so we have no answer yet.

I know that waiting after an interview is the worst part. You will hear from me in person as soon as the team has decided.

Best wishes
{{ sender.name }}""",
    ),
    Text(
        name="Not this time",
        touchpoint=Touchpoint.REJECTION,
        signed_by="coordinator",
        subject="Your application for {{ job.title }}",
        body="""Dear {{ candidate.first_name }},

Thank you for applying for {{ job.title }}. We have read your application and decided not to take it further this time.

{% if reason.shared %}{{ reason.shared }}

{% endif %}I know that this is not the answer you hoped for. If another of our jobs interests you, please do apply again; this answer will not be held against you.

All the best for your search
{{ sender.name }}""",
    ),
    Text(
        name="After the final round",
        touchpoint=Touchpoint.FEEDBACK,
        signed_by="recruiter",
        subject="What we took away from your final round",
        body="""Dear {{ candidate.first_name }},

You spent most of a day with us and you deserve to hear what we saw. These notes are from the people you met.

What convinced us:

What we would have liked to see more of:

If you want to talk about it, I am on the phone for you.

{{ sender.name }}""",
    ),
    Text(
        name="Our offer",
        touchpoint=Touchpoint.OFFER,
        signed_by="recruiter",
        subject="We would like to work with you",
        body="""Dear {{ candidate.first_name }},

The team met this morning, and the answer was quick: we would like you to join us as {{ job.title }}.

The contract follows in a separate, signed letter. Before that I would like to call you and go through it, so that nothing in it is a surprise.

Congratulations, and I mean it
{{ sender.name }}""",
    ),
    Text(
        name="Thank you for telling us",
        touchpoint=Touchpoint.STATUS_UPDATE,
        signed_by="coordinator",
        subject="Thank you for telling us",
        body="""Dear {{ candidate.first_name }},

You told us that you do not want to go on with {{ job.title }}. Thank you for saying so; many people just vanish.

We have closed your application. Should things change, write to me, and we open it where you left it.

Good luck with what comes next
{{ sender.name }}""",
    ),
    Text(
        name="How was it for you?",
        touchpoint=Touchpoint.SURVEY,
        signed_by="coordinator",
        subject="Three questions about applying with us",
        body="""Dear {{ candidate.first_name }},

You applied for {{ job.title }} with us a little while ago. I would like to know how that was for you: Did you always know where you stood? Did somebody waste your time? What should we stop doing?

Just answer this mail, as briefly or as bluntly as you like. The answers stay with me and two colleagues.

{{ sender.name }}""",
    ),
    # Nobody signed this one, and the voice check has something to say to it: whatever an automation makes of it becomes a
    # person's task.
    Text(
        name="When something new comes up",
        touchpoint=Touchpoint.TALENT_POOL,
        signed_by=None,
        subject="A job that made us think of you",
        body="""Dear {{ candidate.first_name }},

We stayed in touch because you said we may. A new job has come up that fits what you told us, and I wanted you to hear of it before we publish it.

If you have any questions, please do not hesitate to get in touch!

{{ sender.name }}""",
    ),
)

# People's own mails, each written for one candidate. {first} and {job} are all that is filled in.
REJECTIONS = (
    "Dear {first}, I owe you an answer about {job}. Your way of explaining the warehouse migration on the phone stayed with me; you were honest about the week in which it went wrong. In the end we chose somebody who has already run a team through a year like the one ahead of us. That one year was the difference, and nothing you said. I hope our ways cross again.",
    "Hello {first}, you asked me to be direct, so here it is: we are giving {job} to another person. Three of us met afterwards and talked about you for most of an hour. Your portfolio was the strongest we saw. What we missed was experience with regulated customers, and we cannot teach that before spring. May I write to you when the second position opens in March?",
    "Dear {first}, this is the mail I did not want to write. The hiring manager liked your questions about night shifts more than any others, and still settled on a colleague from the Leeds branch who knows our tills by heart. Please take the compliment seriously. If you would like, I will introduce you to my counterpart at the store in York.",
    "{first}, thank you for coming in twice and for bringing the prototype along. Decision first: it is a no for {job}. Two people argued for you and one worried about the distance from Aberdeen with a small child, which you had raised yourself. I think you would do well in a fully remote team, and ours is not one yet.",
    "Good morning {first}. I promised you an answer by Friday and I am keeping that promise although I wish it were another one. You came second. The person ahead of you has closed the books of three subsidiaries, and our auditors arrive in six weeks. Your case study was cleaner than hers, and I told the finance director so.",
    "Dear {first}, after our talk on Tuesday I went back to the team with your remark about support queues, and they have changed one because of it. I am sorry that I cannot offer you {job} all the same: we need Portuguese from the first day, and six months is more than the customers will wait. Obrigado for trying with me on the phone.",
    "Hi {first}, I will not dress this up. The panel went with a candidate who has shipped two payment systems. You have shipped none, and you said so before anybody asked, which everybody noticed. Apply again after your next project. I mean that, and I have put a note on your file so that whoever reads it calls me.",
    "Dear {first}, the interview with Priya ran forty minutes over, which never happens, and she came out smiling. The vacancy was then cut from two people to one, and the one is an internal move. It has nothing to do with how you did. I have asked for the budget again for the summer and will ring you if I get it.",
    "{first}, we decided yesterday evening and you should hear it before the weekend: another applicant will take {job}. On the technical side you two were level. She had worked with the team for a term as a student and knew the code. I would like to keep your number, and not in the way people say that.",
    "Hello {first}, I have been turned down myself, so I know how this reads. You prepared more carefully than anyone: the sketch of our checkout with the three dead ends was right about all three. We chose somebody with a stronger background in research because the next half year is interviews, interviews, interviews.",
    "Dear {first}, the honest reason is salary. We could not reach the figure you named, and offering you less for the same work would have been a poor start for both sides. Everybody who met you wanted to say yes. Should that change on your side, my direct line is below and I answer it.",
    "Dear {first}, I read your thank-you note to the team aloud at stand-up, and it made a hard decision harder. For {job} we needed somebody who has been on call before. You have not, and would have been alone at night in your second week. That is unfair to a person at the start, so we did not do it.",
    "Good afternoon {first}, a short answer deserves a reason with it. During the group task you let two quieter people finish their thoughts, and the observers wrote that down. They also wrote that the numbers in part three did not add up and that you defended them. We went with someone who stopped and recounted.",
    "Dear {first}, you travelled from Cork for this and I wish the outcome made the ferry worthwhile. The workshop lead wants a certified welder for {job}; your certificate ends in January and the renewal course is full until May. Send me the new one when you have it, please. I would invite you again without a first round.",
    "{first}, no for now, and I want to explain the two words. No, because the two seats in marketing went to people who write in Dutch. For now, because the event season starts in April and you were the only one who asked what a broken pedal costs us. I have you down for a call in February.",
    "Hello {first}, it was close, and close is a strange comfort. What decided it was the morning with the apprentices: your rival for the place has trained some before. If you ever want to sit in on one of our training days to see how that is done, I can arrange it, and it would cost you only the train fare.",
    "Dear {first}, we talked about your gap year for longer than about your degree, and I enjoyed that. My colleagues picked a graduate with more statistics because the first project is all forecasting. Your essay on commuting is pinned above the coffee machine. That is not an offer, but it is true.",
    "Dear {first}, when you asked whether the job was really open I should have said that an internal colleague was interested. She has it now. I apologise: you deserved to know that before you took a day off to come here. I have told the managers that I will name internal candidates from the start.",
    "Hi {first}, your references called you back from a holiday, and both said the same thing about your calm. The decision was between calm and speed, and this quarter the team needs speed. In a different quarter I believe it goes the other way, and I told them so in the meeting.",
    "Dear {first}, you will see the news on our page tomorrow, so you should hear it from me today: {job} goes to somebody who has led a depot before. I learned from you how the tram workshops organise their spare parts, and we will copy that. Thank you for being so generous with it.",
)

PHONE_NOTES = (
    "Reached them at lunch. They took it well and asked for the two points from the panel; I gave both.",
    "Left a message first, they called back within the hour. Disappointed, thankful for the call.",
    "Talked for ten minutes. They would like to hear about openings in spring.",
    "Called before the weekend. They had expected it and already have another offer.",
    "Good talk. They asked whether the distance was the reason; I said honestly that it was one of two.",
    "They were on a train; called again in the evening. Wants feedback on the case study, sent to the hiring manager.",
)
# With how they learned the outcome, where that was the message.
NOT_NEEDED_REASONS = (
    ("They rang first and had guessed it; they already have another offer.", "phone"),
    ("The hiring manager told them in person at the end of the visit.", "in_person"),
)

REASONS = (
    # internal, may be shared
    (
        "Not enough experience in the field",
        "For this job we looked for people who have done similar work for a few years already.",
    ),
    ("Salary out of range, do not mention", ""),
    (
        "No work permit for the location",
        "For this job we need somebody who may work at the location from the first day, and we cannot sponsor a permit.",
    ),
    (
        "Stronger field this month",
        "We received many applications this month and could only go on with a few.",
    ),
    ("Panel was split, weak on numbers", ""),
    (
        "Position filled internally",
        "The job was given to a colleague from another of our teams while we were reading applications.",
    ),
)
WITHDRAWALS = ("Took another offer", "Family reasons", "Commute too long")
