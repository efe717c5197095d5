"""What the transcript of a chat shows of the conduct of staff (CON-1 to CON-4).

A transcript is read strictly and examined by the pack's conduct table. What comes of it are findings: the row, who, the
message, the figure, and never a word of what was said. Automatic replies answer nothing (INT-8): a transcript is
examined as if they were not there.

The terms:
- a conversation is what lies between two long silences;
- a message calls for an answer if it is the customer's, unless it is a mere acknowledgement;
- a turn begins with the first message that calls for an answer and has none yet, and ends with the next one by staff:
  between the two lies the response time;
- a run is what one member of staff says in a conversation without anybody in between.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cache
from itertools import groupby, pairwise
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from policies.conduct import (
    AverageResponse,
    ConductRow,
    ConductRules,
    LateReply,
    Lexicon,
    MereParticle,
    NoClosing,
    NoOpening,
    RepeatedReply,
    ShortReply,
    Unanswered,
    Wording,
)
from states.values import Code, Id, Instant, Value

MAX_BYTES = 1 << 18
MAX_MESSAGES = 1_000
MAX_CHARACTERS = 4_000
"""Of one message."""


class Speaker(StrEnum):
    """Who says something: the customer, a person of the service, or its software (INT-8)."""

    CUSTOMER = "customer"
    STAFF = "staff"
    AUTOMATIC = "automatic"


class Message(Value):
    """One message. `staff` is the reference of who wrote it, for messages of staff only."""

    id: Id
    at: Instant
    by: Speaker
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHARACTERS)]
    staff: Id | None = None


Transcript = tuple[Message, ...]


class Measure(StrEnum):
    """What the figure of a finding counts."""

    SECONDS = "seconds"
    CHARACTERS = "characters"
    PERCENT = "percent"
    MESSAGES = "messages"
    EXPRESSIONS = "expressions"


class ConductFinding(Value):
    """One occurrence of a row of the conduct table, with what shows it."""

    row: Code
    staff: str
    """Whose conduct it is; empty for a question that nobody had taken on."""
    message: Id
    """The message that is cited, and when it was written: by staff, or the customer's that was never answered."""
    at: Instant
    figure: int
    unit: Measure
    about: Id | None = None
    """The message that the cited one answers late or repeats."""


# --- reading --------------------------------------------------------------------------------------


def read_transcript(data: bytes) -> Transcript:
    """Read a transcript from JSON: a list of messages in the order of their times, each with its own id.

    Raises ValueError, naming the place.
    """
    if len(data) > MAX_BYTES:
        raise ValueError(f"the transcript has {len(data)} bytes, more than {MAX_BYTES}")
    bounded = Annotated[Transcript, msgspec.Meta(min_length=1, max_length=MAX_MESSAGES)]
    transcript: Transcript = msgspec.json.decode(data, type=bounded)
    ids = set[str]()
    for index, message in enumerate(transcript):
        if message.id in ids:
            raise ValueError(f"$[{index}].id: the id of an earlier message")
        ids.add(message.id)
        if (message.by is Speaker.STAFF) != (message.staff is not None):
            raise ValueError(f"$[{index}].staff: has to be there for a message of staff, and for no other")
    for index, (earlier, later) in enumerate(pairwise(transcript), start=1):
        if later.at < earlier.at:
            raise ValueError(f"$[{index}].at: earlier than the message before it")
    return transcript


# --- wording --------------------------------------------------------------------------------------

_CLAUSE_END = re.compile(r"[,.!?;:。、\n]+")
"""What ends a clause once full width is folded."""
_FIGURE = re.compile(r"\d+")
_NOISE = re.compile(r"[^\w ]|_|(?<![a-z0-9]) | (?![a-z0-9])")
"""Anything but letters and figures, save a space between two words in Latin letters."""
_GAP = ".{0,20}?"
"""What an ellipsis in an expression stands for."""


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _letters(text: str) -> str:
    """The letters and figures of a text: no punctuation, no space, no symbols."""
    return "".join(character for character in _folded(text) if character.isalnum())


def _clauses(text: str) -> str:
    """The clauses of a text, one a line, so that no expression is found across a full stop, but through what is put in
    between letters to hide one.
    """
    return "\n".join(_NOISE.sub("", " ".join(clause.split())) for clause in _CLAUSE_END.split(_folded(text)))


@cache
def _pattern(words: Collection[str]) -> re.Pattern[str]:
    """Finds any of the words, the longest that fits; nothing if there are none."""
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile("|".join(map(_expression, longest_first)) or r"(?!)")


def _expression(word: str) -> str:
    """A word in Latin letters has to stand by itself: no abuse in a USB cable."""
    expression = _GAP.join(re.escape(_folded(part)) for part in word.split("…"))
    return rf"(?<![a-z0-9]){expression}(?![a-z0-9])" if word.isascii() else expression


def _count(clauses: str, lexicon: Lexicon) -> int:
    """How many expressions of a lexicon a text, in clauses, contains."""
    return len(_pattern(lexicon.words).findall(_pattern(lexicon.unless).sub("\n", clauses)))


@cache
def _all_letters(words: tuple[str, ...]) -> frozenset[str]:
    return frozenset(map(_letters, words)) - {""}


def _made_of(letters: str, words: Collection[str]) -> bool:
    """Whether a text is nothing but these words, one after another."""
    longest = max(map(len, words), default=0)
    ends = [0]
    for end in range(1, len(letters) + 1):
        if ends[-1] < end - longest:
            return False
        if any(letters[start:end] in words for start in ends[-longest:]):
            ends.append(end)
    return ends[-1] == len(letters)


def _likeness(one: str, other: str) -> int:
    """How alike two texts are, in percent: the share of neighbouring pairs of characters that both have (Dice)."""
    pairs, others = Counter(pairwise(one)), Counter(pairwise(other))
    return 200 * (pairs & others).total() // (pairs.total() + others.total())


# --- the conversation -----------------------------------------------------------------------------


class _Turn(Value):
    """What a customer asked, and the reply of a person, if any came."""

    asked: Message
    asking: int
    """How many messages called for an answer."""
    staff: str
    """Who answered, or should have."""
    reply: Message | None = None

    @property
    def response(self) -> timedelta | None:
        return self.reply.at - self.asked.at if self.reply else None


class _Chat:
    """A transcript seen by one conduct table: its messages between people, turns and conversations."""

    def __init__(self, transcript: Transcript, rules: ConductRules) -> None:
        self.rules = rules
        self._acknowledging = _all_letters(rules.acknowledgements) | _all_letters(rules.particles)
        self.messages = tuple(message for message in transcript if message.by is not Speaker.AUTOMATIC)
        self.clauses = {m.id: _clauses(m.text) for m in self.messages if m.staff is not None}
        self.conversations = tuple(self._conversations())
        self.turns = tuple(self._turns())

    def calls_for_answer(self, message: Message) -> bool:
        """Whether a person has to answer: not if a customer merely acknowledges, without a question mark."""
        if message.by is not Speaker.CUSTOMER:
            return False
        return "?" in _folded(message.text) or not _made_of(_letters(message.text), self._acknowledging)

    def runs(self, conversation: Transcript) -> list[Transcript]:
        """What staff say, in runs."""
        grouped = groupby(conversation, key=lambda message: message.staff)
        return [tuple(run) for staff, run in grouped if staff is not None]

    def answers(self) -> Iterator[Message]:
        """What staff say in answer to something: the reply of each turn, and what the same person adds to it."""
        replies = {turn.reply.id for turn in self.turns if turn.reply}
        for conversation in self.conversations:
            for run in self.runs(conversation):
                if run[0].id in replies:
                    yield from run

    def courteous(self, run: Transcript) -> bool:
        return any(_count(self.clauses[message.id], self.rules.courtesies) for message in run)

    def _conversations(self) -> Iterator[Transcript]:
        gap = timedelta(hours=self.rules.conversation_gap_hours)
        conversation: list[Message] = []
        for message in self.messages:
            if conversation and message.at - conversation[-1].at > gap:
                yield tuple(conversation)
                conversation = []
            conversation.append(message)
        if conversation:
            yield tuple(conversation)

    def _turns(self) -> Iterator[_Turn]:
        asking: list[Message] = []
        for message in self.messages:
            if message.staff is None:
                if self.calls_for_answer(message):
                    asking.append(message)
            elif asking:
                yield _Turn(asked=asking[0], asking=len(asking), staff=message.staff, reply=message)
                asking = []
        if asking:
            yield _Turn(asked=asking[0], asking=len(asking), staff=self._attending(asking[0]))

    def _attending(self, asked: Message) -> str:
        """Who of the staff spoke last in the conversation before a message; empty if nobody did."""
        conversation = next(conversation for conversation in self.conversations if asked in conversation)
        before = conversation[: conversation.index(asked)]
        return next((message.staff for message in reversed(before) if message.staff is not None), "")


# --- examining ------------------------------------------------------------------------------------


def examine(transcript: Transcript, rules: ConductRules, zone: ZoneInfo) -> tuple[ConductFinding, ...]:
    """Every finding that a transcript, as `read_transcript` gives it, shows, in the order of the messages.

    `zone` is the one whose days begin and end the rules' force (CON-6): a message written outside of it is not held
    against anybody, nor does an answer given then count towards an average.
    """
    chat = _Chat(transcript, rules)
    in_force = _in_force(rules, zone)
    findings = [
        finding
        for name, row in rules.rows.items()
        for finding in _found(name, row, chat, in_force)
        if in_force(finding.at)
    ]
    place = {message.id: index for index, message in enumerate(transcript)}
    return tuple(sorted(findings, key=lambda finding: (place[finding.message], finding.row)))


def _in_force(rules: ConductRules, zone: ZoneInfo) -> Callable[[datetime], bool]:
    """Tells whether the rules bind at an instant."""

    def midnight(day: date) -> datetime:
        return datetime.combine(day, time.min, zone)

    start = midnight(rules.in_force_from)
    end = midnight(rules.in_force_until) if rules.in_force_until else None
    return lambda at: start <= at and (end is None or at < end)


def _found(row: str, rule: ConductRow, chat: _Chat, in_force: Callable[[datetime], bool]) -> Iterator[ConductFinding]:
    """What the detector of one row finds."""
    match rule.detector:
        case None:
            return
        case AverageResponse(over_seconds=limit):
            yield from _slow_on_average(row, chat, timedelta(seconds=limit), in_force)
        case Unanswered():
            yield from _unanswered(row, chat)
        case LateReply(over_minutes=limit):
            yield from _late(row, chat, timedelta(minutes=limit))
        case RepeatedReply() as repetition:
            yield from _repeated(row, chat, repetition)
        case ShortReply() as short:
            yield from _short(row, chat, short)
        case MereParticle():
            yield from _mere_particles(row, chat)
        case NoOpening():
            yield from _no_opening(row, chat)
        case NoClosing():
            yield from _no_closing(row, chat)
        case Wording(lexicon=lexicon):
            yield from _worded(row, chat, lexicon)


def _slow_on_average(
    row: str, chat: _Chat, limit: timedelta, in_force: Callable[[datetime], bool]
) -> Iterator[ConductFinding]:
    """One finding a person, over all the turns that the person answered, citing the slowest answer."""
    answered: dict[str, list[tuple[timedelta, Message]]] = {}
    for turn in chat.turns:
        if turn.reply and turn.response is not None and in_force(turn.reply.at):
            answered.setdefault(turn.staff, []).append((turn.response, turn.reply))
    for replies in answered.values():
        total = sum((response for response, _ in replies), timedelta())
        if total > len(replies) * limit:
            _, slowest = max(replies, key=lambda reply: reply[0])
            yield _finding(row, slowest, _whole(total, len(replies) * timedelta(seconds=1)), Measure.SECONDS)


def _unanswered(row: str, chat: _Chat) -> Iterator[ConductFinding]:
    """What the customer asked last, if no person answered to the transcript's end; the figure counts the messages."""
    for turn in chat.turns:
        if turn.reply is None:
            yield _finding(row, turn.asked, turn.asking, Measure.MESSAGES, staff=turn.staff)


def _late(row: str, chat: _Chat, limit: timedelta) -> Iterator[ConductFinding]:
    """Every turn whose response time is over the limit."""
    for turn in chat.turns:
        if turn.reply and turn.response is not None and turn.response > limit:
            seconds = _whole(turn.response, timedelta(seconds=1))
            yield _finding(row, turn.reply, seconds, Measure.SECONDS, about=turn.asked)


def _repeated(row: str, chat: _Chat, rule: RepeatedReply) -> Iterator[ConductFinding]:
    """Every reply that is like an earlier one of the same person and gives the same figures; the likest is named."""
    set_phrases = _pattern(_all_letters(chat.rules.set_phrases))
    for conversation in chat.conversations:
        said: dict[str, list[tuple[str, Message]]] = {}
        for message in conversation:
            if message.staff is None:
                continue
            letters = set_phrases.sub("", _letters(message.text))
            if len(letters) < rule.min_characters:
                continue
            before = said.setdefault(message.staff, [])
            alike = [
                (_likeness(earlier, letters), other)
                for earlier, other in before[-rule.among_replies :]
                if _FIGURE.findall(earlier) == _FIGURE.findall(letters)
            ]
            before.append((letters, message))
            percent, other = max(alike, key=lambda pair: pair[0], default=(0, message))
            if percent >= rule.similar_percent:
                yield _finding(row, message, percent, Measure.PERCENT, about=other)


def _short(row: str, chat: _Chat, rule: ShortReply) -> Iterator[ConductFinding]:
    """Every message in answer to a customer that has too few characters and neither a figure nor anything else that
    makes it an answer, and is no set phrase; mere particles are a row of their own.
    """
    substance = _pattern(rule.unless)
    harmless = _all_letters(chat.rules.set_phrases) | _all_letters(chat.rules.particles)
    for message in chat.answers():
        letters, folded = _letters(message.text), _folded(message.text)
        answers = _FIGURE.search(folded) or substance.search(folded) or _made_of(letters, harmless)
        if len(letters) < rule.under_characters and not answers:
            yield _finding(row, message, len(letters), Measure.CHARACTERS)


def _mere_particles(row: str, chat: _Chat) -> Iterator[ConductFinding]:
    """Every message in answer to a customer in which there is nothing but particles and symbols."""
    particles = _all_letters(chat.rules.particles)
    for message in chat.answers():
        letters = _letters(message.text)
        if _made_of(letters, particles):
            yield _finding(row, message, len(letters), Measure.CHARACTERS)


def _no_opening(row: str, chat: _Chat) -> Iterator[ConductFinding]:
    """The first message by staff of each conversation, if its run has no courtesy; the figure counts the run."""
    for conversation in chat.conversations:
        runs = chat.runs(conversation)
        if runs and not chat.courteous(runs[0]):
            yield _finding(row, runs[0][0], len(runs[0]), Measure.MESSAGES)


def _no_closing(row: str, chat: _Chat) -> Iterator[ConductFinding]:
    """The last message by staff of each conversation, if its run has no courtesy; the figure counts the run.

    Not if something was still to be answered, which is found by itself, nor if it was the only message of staff, which
    lacks its courtesy as an opening already.
    """
    for conversation in chat.conversations:
        runs = chat.runs(conversation)
        if not runs or chat.courteous(runs[-1]) or runs[-1][-1] is runs[0][0]:
            continue
        after = conversation[conversation.index(runs[-1][-1]) + 1 :]
        if not any(map(chat.calls_for_answer, after)):
            yield _finding(row, runs[-1][-1], len(runs[-1]), Measure.MESSAGES)


def _worded(row: str, chat: _Chat, lexicon: Lexicon) -> Iterator[ConductFinding]:
    """Every message by staff with one of the expressions; the figure counts them."""
    for message in chat.messages:
        if message.staff is not None and (count := _count(chat.clauses[message.id], lexicon)):
            yield _finding(row, message, count, Measure.EXPRESSIONS)


def _finding(
    row: str,
    message: Message,
    figure: int,
    unit: Measure,
    *,
    about: Message | None = None,
    staff: str | None = None,
) -> ConductFinding:
    """A finding against who wrote the message, unless somebody else is named."""
    return ConductFinding(
        row=row,
        staff=message.staff or "" if staff is None else staff,
        message=message.id,
        at=message.at,
        figure=figure,
        unit=unit,
        about=about.id if about else None,
    )


def _whole(length: timedelta, unit: timedelta) -> int:
    """A length in whole units, a part of one counted as one: what is over a limit also reads so."""
    return -(-length // unit)
