"""A complaint is received: its file, its channel, its evidence (area INT)."""

from typing import Any

import msgspec
import pytest

from policies.schema import Category, Channel, ClockKind, Party, RemedyKind, Role, Stage
from states import events, facts
from states.values import Actor, ClockState, IdentityCheck, SellerContact
from tests.states.story import BUYER, SELLER, START, Story, complaint, item, order, text
from tests.states.test_admission import book_with, platform


@pytest.mark.rule("INT-1")
def test_the_file_is_complete_from_the_first_moment() -> None:
    story = Story(hold=True)
    story.file()
    (entry,) = story.entries
    filed = entry.facts[0]
    assert isinstance(filed, facts.CaseFiled)
    assert "INT-1" in filed.rules
    assert (entry.number, entry.event, entry.actor) == (1, "file_complaint", BUYER)
    case = story.open_case
    assert case.case_id == "buyer-017/order-1001"
    assert (case.complainant, case.orders, case.received_at) == ("buyer-017", ("order-1001",), START)
    assert (case.title, case.description) == (text("title"), text("description"))
    assert case.claim.remedies == (RemedyKind.REFUND,)
    assert case.stage is Stage.INTAKE


@pytest.mark.rule("INT-1")
@pytest.mark.parametrize("field", ["orders", "title", "description", "claim", "complainant", "category", "channel"])
def test_a_missing_field_is_named(field: str) -> None:
    message = msgspec.to_builtins(complaint())
    assert msgspec.convert(message, events.FileComplaint) == complaint()
    del message[field]
    with pytest.raises(msgspec.ValidationError, match=f"`{field}`"):
        msgspec.convert(message, events.FileComplaint)
    Story().file()


@pytest.mark.rule("INT-1")
def test_what_opens_no_case_says_which_field_is_wrong() -> None:
    handled = {category: rule for category, rule in platform().categories.items() if category != "counterfeit"}
    story = Story(book_with(categories=handled))
    refusal = story.file(category=Category.COUNTERFEIT).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == ("unknown_category", "INT-4")
    assert refusal.message.startswith("category: ")
    answer = story.act(events.AcceptComplaint)
    assert answer.refusal is not None
    assert answer.refusal.code == "no_such_case"
    assert story.case is None
    assert not story.entries
    story.file()
    refusal = story.refused(
        events.FileComplaint,
        BUYER,
        **{name: getattr(complaint(), name) for name in ("complainant", "respondent", "category", "claim", "title")},
        description=text("d"),
        channel=Channel.HOTLINE,
        orders=("order-9",),
    )
    assert (refusal.code, refusal.rule) == ("wrong_case", "INT-1")


@pytest.mark.rule("INT-2")
def test_every_contact_records_its_channel() -> None:
    story = Story().to_acceptance(channel=Channel.ONLINE_CHAT)
    assert story.open_case.channel is Channel.ONLINE_CHAT
    entry = story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.E_MAIL)
    assert entry.rules == ("INT-2",)
    assert story.file(request_id="r-again", channel=Channel.HOTLINE).accepted
    assert [contact.channel for contact in story.open_case.contacts] == ["online_chat", "e_mail", "hotline"]


@pytest.mark.rule("INT-2")
@pytest.mark.parametrize("channel", Channel)
def test_a_complaint_through_an_outside_body_is_external_from_the_start(channel: Channel) -> None:
    story = Story()
    story.file(channel=channel)
    assert story.open_case.external is (channel in (Channel.CONSUMER_ASSOCIATION, Channel.REGULATOR))


@pytest.mark.rule("INT-3")
def test_evidence_is_attached_at_intake_and_later() -> None:
    story = Story()
    story.file(evidence=(item("photo"), item("chat_log")))
    story.wait(hours=2)
    story.accepted(events.SubmitEvidence, SELLER, items=(item("inspection_report"),))
    first, _, last = story.open_case.evidence
    assert (first.id, first.kind, first.submitter, first.by) == ("E1", "photo", Party.COMPLAINANT, "buyer-017")
    assert (first.submitted_at, first.content) == (START, text("photo"))
    assert (last.id, last.submitter, last.submitted_at) == ("E3", Party.RESPONDENT, story.now)
    assert last.content.sha256 == text("inspection_report").sha256
    assert last.content.ref == "text-inspection_report"


@pytest.mark.rule("INT-6")
@pytest.mark.parametrize("kind", platform().evidence_kinds)
def test_evidence_is_of_a_kind_that_the_policy_knows(kind: str) -> None:
    story = Story().to_acceptance(evidence=())
    entry = story.accepted(events.SubmitEvidence, BUYER, items=(item(kind),))
    assert "INT-6" in entry.rules
    assert [evidence.kind for evidence in story.open_case.evidence] == [kind]


@pytest.mark.rule("INT-6")
def test_evidence_of_an_unknown_kind_is_refused() -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.SubmitEvidence, BUYER, items=(item("photo"), item("hearsay")))
    assert (refusal.code, refusal.rule) == ("unknown_evidence_kind", "INT-6")
    assert "items.kind" in refusal.message
    assert len(story.open_case.evidence) == 1


@pytest.mark.rule("INT-2")
def test_a_repeat_contact_joins_the_open_case_with_what_is_new() -> None:
    story = Story().to_verification()
    assert story.file(request_id="r-again", evidence=(item("photo"), item("video"))).accepted
    assert [evidence.kind for evidence in story.open_case.evidence] == ["photo", "video"]
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.seller_contact is SellerContact.REFUSED


# --- INT-7 ------------------------------------------------------------------------------------

HANDLING: dict[str, object] = {"category": Category.SERVICE_HANDLING, "agent_concerned": "agent-03"}
OTHER_AGENT = Actor(id="agent-04", role=Role.AGENT)


@pytest.mark.rule("INT-7")
def test_a_complaint_about_the_services_handling_names_the_agent_and_never_goes_to_it() -> None:
    story = Story()
    story.file(**HANDLING, respondent="service", seller_contact=SellerContact.NOT_APPROACHED)
    case = story.open_case
    assert case.case_id == "buyer-017/order-1001/service"
    assert (case.agent_concerned, case.respondent) == ("agent-03", "service")
    assert case.stage is Stage.ACCEPTANCE, "no seller comes first"
    refusal = story.refused(events.AcceptComplaint)
    assert (refusal.code, refusal.rule) == ("agent_concerned", "INT-7")
    story.accepted(events.AcceptComplaint, OTHER_AGENT)
    assert story.open_case.owner == "agent-04"
    assert [notice.recipient for notice in story.sent("statement_wanted")] == ["service"]


@pytest.mark.rule("INT-7", "ADM-1")
def test_a_seller_may_complain_about_the_services_handling_too() -> None:
    story = Story()
    seller = Actor(id=SELLER.id, role=Role.COMPLAINANT)
    story.file(**HANDLING, actor=seller, complainant=SELLER.id, respondent="service")
    assert story.open_case.standing
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("INT-7")
@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"category": Category.SERVICE_HANDLING}, "field_missing"),
        ({"agent_concerned": "agent-03"}, "field_not_wanted"),
    ],
)
def test_an_agent_is_named_where_its_handling_is_complained_about_and_only_there(
    given: dict[str, object], code: str
) -> None:
    refusal = Story().file(**given).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == (code, "INT-7")
    assert refusal.message.startswith("agent_concerned: ")


# --- INT-8 ------------------------------------------------------------------------------------


@pytest.mark.rule("INT-8")
@pytest.mark.parametrize(
    ("channel", "waited", "late"),
    [
        (Channel.HOTLINE, 30, False),
        (Channel.HOTLINE, 31, True),
        (Channel.ONLINE_CHAT, 60, False),
        (Channel.ONLINE_CHAT, 61, True),
        (Channel.E_MAIL, 9_000, False),
    ],
)
def test_how_long_a_caller_waited_is_on_record(channel: Channel, waited: int, late: bool) -> None:
    story = Story().to_acceptance()
    entry = story.accepted(
        events.RecordContact, party=Party.COMPLAINANT, channel=channel, answered_after_seconds=waited
    )
    assert "INT-8" in entry.rules
    contact = story.open_case.contacts[-1]
    assert (contact.answered_after_seconds, contact.late) == (waited, late)


@pytest.mark.rule("INT-8")
@pytest.mark.parametrize("identity", IdentityCheck)
def test_it_is_on_record_whether_the_caller_was_identified(identity: IdentityCheck) -> None:
    story = Story().to_acceptance()
    story.accepted(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.HOTLINE, identity=identity)
    assert story.open_case.contacts[-1].identity is identity


@pytest.mark.rule("INT-8", "SLA-2")
def test_an_automatic_reply_is_marked_and_stops_no_clock() -> None:
    story = Story()
    story.order = order(platform="elsewhere")
    story.unreachable = set(Channel)
    story.file()
    software = Actor(id="chat-robot", role=Role.SERVICE)
    reply: dict[str, Any] = {"party": Party.COMPLAINANT, "channel": Channel.ONLINE_CHAT, "outbound": True}
    story.accepted(events.RecordContact, software, **reply, automatic=True)
    assert story.open_case.contacts[-1].automatic
    assert story.at(Stage.REFUSED), "nobody was reached"
    story.accepted(events.RecordContact, **reply)
    assert story.at(Stage.CLOSED)

    other = Story().to_acceptance()
    other.accepted(events.RecordContact, software, **reply, automatic=True)
    assert other.clock(ClockKind.FIRST_CONTACT).state is ClockState.RUNNING
    other.accepted(events.RecordContact, **reply)
    assert other.clock(ClockKind.FIRST_CONTACT).state is ClockState.MET


@pytest.mark.rule("INT-8")
def test_only_what_goes_out_is_automatic() -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.RecordContact, party=Party.COMPLAINANT, channel=Channel.E_MAIL, automatic=True)
    assert (refusal.code, refusal.rule) == ("not_outbound", "INT-8")


@pytest.mark.rule("SLA-1", "FBK-1")
@pytest.mark.parametrize(
    ("procedure", "due"),
    [
        ("platform", "2026-03-03 09:00+08:00"),
        ("regulator", "2026-03-11 18:00+08:00"),
        ("uk_disp", "2026-03-05 17:00+00:00"),
        ("us_cfpb", "2026-03-16 17:00-04:00"),
    ],
)
def test_the_complainant_is_promised_the_acceptance_of_its_own_procedure(procedure: str, due: str) -> None:
    story = Story()
    story.file(procedure=procedure)
    (told,) = story.sent("received")
    assert told.facts["due"] == due
