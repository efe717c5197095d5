"""A complaint is received: its file, its channel, its evidence (area INT)."""

import msgspec
import pytest

from policies.schema import Category, Channel, Party, RemedyKind, Stage
from states import events, facts
from states.values import SellerContact
from tests.states.story import BUYER, SELLER, START, Story, complaint, item, text


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
    story = Story()
    refusal = story.file(category=Category.COUNTERFEIT).refusal
    assert refusal is not None
    assert refusal.code == "unknown_category"
    assert "category" in refusal.message
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


@pytest.mark.rule("INT-3")
def test_evidence_of_an_unknown_kind_is_refused() -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.SubmitEvidence, BUYER, items=(item("photo"), item("hearsay")))
    assert (refusal.code, refusal.rule) == ("unknown_evidence_kind", "INT-3")
    assert "items.kind" in refusal.message
    assert len(story.open_case.evidence) == 1


@pytest.mark.rule("INT-2")
def test_a_repeat_contact_joins_the_open_case_with_what_is_new() -> None:
    story = Story().to_verification()
    assert story.file(request_id="r-again", evidence=(item("photo"), item("video"))).accepted
    assert [evidence.kind for evidence in story.open_case.evidence] == ["photo", "video"]
    assert story.at(Stage.VERIFICATION)
    assert story.open_case.seller_contact is SellerContact.REFUSED
