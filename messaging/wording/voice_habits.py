"""The habits of form letters, of refusals that nobody speaks, and of words from inside an office: English phrases, each with
why it is listed, where that comes from, and what to do. What to do is never a text to paste."""

from dataclasses import dataclass
from typing import Final

FORM_LETTER: Final = "form_letter"
PASSIVE_REFUSAL: Final = "passive_refusal"
JARGON: Final = "jargon"

SAMPLES: Final = "sample letters in circulation (manatal.com, taptalent.ai, thepalmergroup.com, pockethrms.com)"
GOV_UK: Final = "GOV.UK style guide, “words to avoid”"
ACTIVE: Final = "GOV.UK style guide, “active voice”"
PLAIN: Final = "Federal Plain Language Guidelines, “use simple words and phrases”"
OURS: Final = "Byhand’s own list"


@dataclass(frozen=True, kw_only=True)
class Habit:
    """`a|b` in a phrase stands for either word."""

    code: str
    why: str
    to_do: str
    source: str
    phrases: tuple[str, ...]


HABITS: Final[tuple[Habit, ...]] = (
    Habit(
        code=FORM_LETTER,
        why="It opens most form letters and says nothing about this application.",
        to_do="Say what arrived, or what you noticed in it.",
        source=SAMPLES,
        phrases=(
            "thank|thanks you for your interest",
            "thanks for your interest",
            "appreciate your interest",
            "thank you for taking the time",
            "thanks for taking the time",
            "appreciate the time you",
            "appreciate the time and effort",
            "appreciate the effort you",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It claims care without showing any.",
        to_do="Say who read it and what they looked at, or leave it out.",
        source=SAMPLES,
        phrases=(
            "after careful|thorough consideration|review|deliberation",
            "careful consideration",
            "carefully reviewed|considered|evaluated",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It keeps bad news at arm’s length.",
        to_do="Say it yourself: what was decided, and by whom.",
        source=SAMPLES,
        phrases=(
            "regret to inform",
            "regret to let you know",
            "regret to advise",
            "sorry to inform you",
            "regret that",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="The reader has seen this ending before, under other letters.",
        to_do="End with something that is true of this person or this job, or simply end.",
        source=SAMPLES,
        phrases=(
            "future endeavors|endeavours",
            "professional endeavors|endeavours",
            "luck in|with your job search",
            "best in|with your job search",
            "success in|with your job search",
            "best in|for your future|career",
            "every success in|for",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="Nobody believes it, because nobody hears of it again.",
        to_do="Say what happens to the application and for how long, or leave it out.",
        source=SAMPLES,
        phrases=(
            "keep|retain your resume|résumé|cv|details|application|information|profile on file",
            "keep|retain your resume|résumé|cv|details|application|information|profile in our",
            "consider applying again",
            "keep an eye on our|out",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It tells the reader that they are one of many.",
        to_do="Say when they will hear, and from whom.",
        source=SAMPLES,
        phrases=(
            "high|large|overwhelming|significant volume|number|amount of",
            "received many applications",
            "many qualified|strong|talented applicants|candidates|applications",
            "high caliber|calibre of",
            "competition is|was fierce|strong",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It sounds like a counter, not like a person.",
        to_do="Say whom to write to, and that they answer.",
        source=SAMPLES,
        phrases=(
            "not hesitate to",
            "feel free to contact|reach|email|call",
            "if you have any questions|queries",
            "if you have any further|other questions|queries",
            "should you have any",
            "any questions or concerns",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="The reader has a name.",
        to_do="Greet them with the placeholder of their first name, and give it a default.",
        source=SAMPLES,
        phrases=(
            "dear applicant|applicants|candidate|candidates|sir|madam",
            "to whom it may concern",
            "hi|hello applicant|candidate",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It closes the door on an answer.",
        to_do="Let answers reach somebody, and say who reads them.",
        source=OURS,
        phrases=(
            "do not reply to this",
            "this is an automated|automatic|auto",
            "this mailbox|inbox is not monitored",
            "automatically generated",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It announces silence, which is what candidates resent most.",
        to_do="Promise everybody an answer, with a day.",
        source=SAMPLES,
        phrases=(
            "only shortlisted|successful|selected candidates|applicants",
            "if you do not hear|receive",
            "if you have not heard",
            "contacting you if your",
            "will contact you if",
            "not be able to reply individually",
            "not have the resources to",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It leaves the reader waiting for no particular day.",
        to_do="Name the day by which they will hear.",
        source=OURS,
        phrases=(
            "be in touch shortly|soon",
            "get back to you shortly|soon",
            "get back to you as soon",
            "in due course",
            "in the near future",
            "at your earliest convenience",
            "in the coming days|weeks",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It pads the sentence and softens nothing.",
        to_do="Leave it out, or name the time that is meant.",
        source=SAMPLES,
        phrases=(
            "at this time",
            "at this moment in time",
            "on this occasion",
            "at the present time",
            "email|mail|message finds you well",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It speaks of how hard it was for the writer.",
        to_do="Give the reason, as far as it may be shared.",
        source=SAMPLES,
        phrases=(
            "not an easy one|decision|choice",
            "difficult decision|choice",
            "tough decision|choice",
            "hard decision to",
        ),
    ),
    Habit(
        code=FORM_LETTER,
        why="It praises without an object, or compares without a reason.",
        to_do="Name what impressed whom, or what decided it.",
        source=SAMPLES,
        phrases=(
            "impressed by|with your background|experience|profile|qualifications|skills|application",
            "more closely match|matches|matched|align|aligns|aligned",
            "better suited for|to",
            "closer match for|to",
            "other candidates who|whose",
            "not the right|best fit",
            "not a good|great fit",
        ),
    ),
    Habit(
        code=PASSIVE_REFUSAL,
        why="Nobody seems to have decided this.",
        to_do="Say who decided, by name or team, in the active voice.",
        source=ACTIVE,
        phrases=(
            "decision has been made|taken|reached",
            "decision was made|taken|reached",
            "it has been decided",
            "it was decided",
            "have|has|had been rejected|declined|unsuccessful|deselected",
            "was|were rejected|declined|unsuccessful|deselected",
            "have|has|had not been selected|successful|chosen|shortlisted|considered|accepted|invited|approved",
            "was|were|is|are not selected|successful|chosen|shortlisted|accepted|invited|approved",
            "will|can|could|would not be considered|progressed|pursued|taken|moved|offered|moving|proceeding|progressing",
            "not be considered|progressed|pursued|taken",
            "no longer being considered",
            "no longer under consideration",
            "position|role|job|vacancy|opening has been filled|closed|cancelled|canceled|withdrawn",
            "position|role|job|vacancy|opening was|is filled|closed|cancelled|canceled",
            "position|role|job|vacancy|opening is no longer available",
        ),
    ),
    Habit(
        code=JARGON,
        why="It is office talk, and says less than the plain word.",
        to_do="Say it as you would to a friend on the phone.",
        source=GOV_UK,
        phrases=(
            "leverage|leveraging|leveraged",
            "utilise|utilize|utilising|utilizing|utilisation|utilization",
            "facilitate|facilitating",
            "liaise|liaising",
            "going forward",
            "robust",
            "streamline|streamlined|streamlining",
            "dialogue|dialog",
            "empower|empowering|empowered",
            "overarching",
            "incentivise|incentivize",
            "one stop shop",
        ),
    ),
    Habit(
        code=JARGON,
        why="It is a fashion, and the reader has to guess what is meant.",
        to_do="Say what you mean: who does what, and when.",
        source=OURS,
        phrases=(
            "synergy|synergies",
            "touch base",
            "circle back",
            "deep dive",
            "learnings",
            "deliverables",
            "stakeholders",
            "bandwidth",
            "value proposition|add",
            "skill set|sets",
            "skillset|skillsets",
            "best in class",
            "world class",
            "fast paced",
            "rockstar|rockstars|ninja|ninjas|guru|gurus",
            "rock star|stars",
            "impactful",
            "thought leader|leaders|leadership",
            "low hanging fruit",
            "culture fit",
            "cultural fit",
            "actionable",
            "move the needle",
        ),
    ),
    Habit(
        code=JARGON,
        why="It is the language of forms; a shorter word says the same.",
        to_do="Use the short word, or leave it out.",
        source=PLAIN,
        phrases=(
            "in order to",
            "prior to",
            "subsequent to",
            "in the event of|that",
            "with regard|regards|respect to",
            "in regard|regards to",
            "in accordance with",
            "pursuant to",
            "as per",
            "herewith|hereby|herein|aforementioned",
            "please be advised",
            "please be informed",
            "please note that",
            "kindly note|find|be",
            "commence|commences|commencing",
            "endeavour|endeavor to",
            "please find attached|enclosed",
            "attached please find",
            "due to the fact that",
            "for the purpose of",
            "the undersigned",
        ),
    ),
    Habit(
        code=JARGON,
        why="It is a word from inside the recruiting team.",
        to_do="Say what it means for the reader.",
        source=OURS,
        phrases=(
            "requisition|requisitions",
            "ats",
            "applicant tracking system",
            "talent pipeline",
            "candidate pool|pipeline|pipelines",
            "applicant pool",
            "hiring funnel",
            "top talent",
            "human capital",
            "headcount",
            "talent acquisition",
            "next stage|phase of the|our process",
            "next stage|phase of the|our hiring|recruitment|selection|recruiting process",
            "moved|moving forward in the|our process",
            "selection process",
        ),
    ),
)
