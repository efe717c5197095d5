"""The conduct table: what staff may be found to have done wrong in serving a customer, and how it is found.

A row with a detector is found in the transcript of a chat (`states.transcript`); any other is recorded by an agent.
Every figure and every word that a detector goes by stands here as data. Words are written as they are said: case, width
and punctuation do not matter when they are looked for.
"""

from datetime import date
from typing import Annotated

import msgspec

from policies.base import Count, Positive, Rules, Texts

Percent = Annotated[int, msgspec.Meta(ge=1, le=100)]
Word = Annotated[str, msgspec.Meta(min_length=1)]
Words = Annotated[tuple[Word, ...], msgspec.Meta(min_length=1)]


class Lexicon(Rules):
    """Expressions to look for. "…" within one stands for some characters of the same clause."""

    words: Words
    unless: tuple[Word, ...] = ()
    """Harmless expressions that contain one of the words, such as a tumble dryer in which somebody is told to tumble
    off: what is part of them does not count.
    """


class Detector(Rules, tag_field="kind"):
    """Base of the ways to find conduct in a transcript, each with the figures it goes by."""


class AverageResponse(Detector, tag="average_response"):
    """Slow on the whole: a member of staff takes longer than this on average to answer (CON-2)."""

    over_seconds: Positive


class Unanswered(Detector, tag="unanswered"):
    """What a customer asked was never answered by a person (CON-2)."""


class LateReply(Detector, tag="late_reply"):
    """One answer took longer than this (CON-4)."""

    over_minutes: Positive


class RepeatedReply(Detector, tag="repeated_reply"):
    """The same sentence again, or nearly so (CON-3)."""

    similar_percent: Percent
    """From how much likeness on two replies are nearly the same."""
    min_characters: Annotated[int, msgspec.Meta(ge=2)]
    """Shorter replies, set phrases apart, are not compared."""
    among_replies: Positive
    """With how many replies before it, of the same person in the same conversation, a reply is compared."""


class ShortReply(Detector, tag="short_reply"):
    """An enquiry answered with fewer characters than this (CON-4)."""

    under_characters: Positive
    unless: Words
    """What makes a reply an answer however short: a size, a picture. A figure does so in any case."""


class MereParticle(Detector, tag="mere_particle"):
    """An enquiry answered with nothing but particles (CON-4)."""


class NoOpening(Detector, tag="no_opening"):
    """A conversation begun without a courtesy (CON-4)."""


class NoClosing(Detector, tag="no_closing"):
    """A conversation ended without a courtesy (CON-4)."""


class Wording(Detector, tag="wording"):
    """Expressions that staff do not use to customers (CON-1, CON-2, CON-4)."""

    lexicon: Lexicon


AnyDetector = (
    AverageResponse
    | Unanswered
    | LateReply
    | RepeatedReply
    | ShortReply
    | MereParticle
    | NoOpening
    | NoClosing
    | Wording
)


class ConductRow(Rules):
    """A row of the conduct table, each a violation of its own."""

    label: Texts
    rule: str
    """The rule of the catalogue that the row applies."""
    amount_fen: Count = 0
    """What each occurrence costs; nothing where the catalogue states no amount."""
    passive: bool = False
    """Whether it counts as passive service (CON-2)."""
    detector: AnyDetector | None = None
    """How it is found in a transcript; without one it is only recorded by an agent."""
    simple_reasons: tuple[Word, ...] = ()
    """The customer's reasons to which the row is limited: a demand beyond them that was reported upwards is exempt
    (CON-6).
    """


class ConductRules(Rules, kw_only=True):
    """The conduct table with the dates between which it binds (CON-6), and the language that its detectors share."""

    in_force_from: date
    in_force_until: date | None = None
    """The first day on which it no longer binds; none stated is no end."""
    conversation_gap_hours: Positive
    """After a longer silence than this a new conversation begins."""
    courtesies: Lexicon
    """Words of respect: a conversation opens and closes with one."""
    set_phrases: Words
    """Greetings and the like, which are neither short replies nor repetition."""
    particles: Words
    """Sounds that say nothing."""
    acknowledgements: Words
    """What a customer says that asks for no answer, unless it carries a question mark."""
    rows: dict[str, ConductRow]
