"""What nobody should write into a name, a subject, an address or a wording, drawn from a seed that a failure names."""

from __future__ import annotations

import random
from collections.abc import Iterator

from tests.chaos.figures import Count, size

# Named with EXAMPLES=1, the one example that failed is drawn again.
SEED = size("SEED", random.SystemRandom().randrange(10**9))

TRICKS = (
    "\r\nBcc: eve@example.net",
    "\n\nA second text",
    "{{ candidate.email }}",
    "{% raw %}",
    "{{ '{{' }}",
    "\u202egnp.exe",
    "\x00",
    "\x85",
    "\u2028",
    "<script>alert(1)</script>",
    "&lt;b&gt;",
    "=?utf-8?q?=0D=0ABcc=3A_eve?=",
    '" <eve@example.net>, "',
    "\r\n.\r\nMAIL FROM:<eve@example.net>",
    "\n.\n",
    "\nFrom eve@example.net\n",
    "\n--===============",
    "https://example.net/?a=b&c=<d>",
    "a" * 1200,
    "é" * 400,
    "\ud7ff\U0001f600",
)
# Where a character is drawn from, so that each kind is common: ASCII, Latin, all of the first plane, and beyond it.
PLANES = ((0x20, 0x7E), (0x20, 0x7E), (0x00, 0xFF), (0xA0, 0xD7FF), (0xE000, 0x10FFFF))
DOMAINS = (
    "@example.com",
    "@example.com, eve@example.net",
    "@[127.0.0.1]",
    "@münchen.example",
    "@example.com.",
    "@",
    "",
)
WRITTEN = (
    "kim@example.com",
    "Kim <kim@example.com>",
    "kim@example.com;eve@example.net",
    "k: a@b.c;",
    '"k m"@example.com',
)
KNOWN = ("candidate.first_name", "candidate.last_name", "job.title", "sender.name")
BROKEN = (
    "{{ candidate.email }}",
    "{{ candidate['first_name'] }}",
    "{{ candidate.first_name",
    "{{",
    "}}",
    "{% if job.title %}",
    "{% endif %}",
    "{% else %}",
    "{% raw %}{{ job.title }}{% endraw %}",
    "{% include 'mail' %}",
    "{% assign x = 1 %}",
    "{% for i in (1..99999999) %}x{% endfor %}",
    "{%- comment -%}",
    "{# job.title #}",
)


class Nasty(random.Random):
    def letters(self, at_most: int = 20) -> str:
        first, last = self.choice(PLANES)
        return "".join(chr(self.randint(first, last)) for _ in range(self.randint(0, at_most)))

    def text(self, pieces: int = 4) -> str:
        return "".join(
            self.choice(TRICKS) if self.random() < 0.4 else self.letters() for _ in range(self.randint(0, pieces))
        )

    def name(self) -> str:
        return self.choice(("Kim ", "Kim ", "Kim ", "Kim ", "")) + self.text(2)

    def address(self) -> str:
        return self.choice((self._plausible, self._plausible, self._plausible, self._odd))()

    def wording(self) -> str:
        """Of which some have a flaw, and most have not."""
        pieces = [self.choice(WORDS)(self) for _ in range(self.randint(1, 6))]
        if self.random() < 0.3:
            pieces.insert(self.randrange(len(pieces)), self.choice(BROKEN))
        return "".join(pieces)

    def _plausible(self) -> str:
        alphabet = self.choice(("abcxyzABC0189", "abcxyzABC0189", "ab.+-_'!#$%&*/=?^`{|}~", "abcé"))
        local = "".join(self.choice(alphabet) for _ in range(self.choice((1, 5, 20, 64, 65))))
        if self.random() < 0.2:
            local = local[:3] + self.choice('.@ ,;<>()"\\') + local[3:]
        return local + (self.choice(DOMAINS) if self.random() < 0.3 else "@example.com")

    def _odd(self) -> str:
        return self.choice((self.choice(WRITTEN), self.letters(), self.text(1))) + self.choice((*DOMAINS, *TRICKS))

    def _prose(self) -> str:
        return self.choice(("Dear ", "you", ",\n\n", " ", "100 % of it { so } to say", "ß\u4e2d\U0001f600"))

    def _placeholder(self) -> str:
        return self.choice(("{{{{ {} }}}}", "{{{{{}}}}}")).format(self.choice(KNOWN))

    def _condition(self) -> str:
        return f"{{% if {self.choice(KNOWN)} %}}{self._placeholder()}{{% else %}}{self._prose()}{{% endif %}}"


WORDS = (Nasty._prose, Nasty._placeholder, Nasty._placeholder, Nasty._condition)


def examples(count: Count, number: int) -> Iterator[Nasty]:
    """Each with a seed of its own, which a failure names."""
    for seed in range(SEED, SEED + number):
        count.size += 1
        count.seed = seed
        yield Nasty(seed)
