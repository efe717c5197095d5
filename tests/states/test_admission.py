"""Who may complain about what, for how long, and whether the seller comes first (area ADM)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from policies.book import PolicyBook, default_book
from policies.schema import Category, Channel, ClockKind, Ground, Outcome, Pack, Party, RemedyKind, Stage
from states import effects, events, facts
from states.values import Claim, ClockState, RequestKind, RequestState, SellerContact
from tests.states.story import BUYER, CHIEF, SELLER, START, Story, item, order, text


def platform() -> Pack:
    """The pack that the stories are told under."""
    return default_book().in_force("platform", START).pack


def book_with(**changes: Any) -> PolicyBook:
    """The book in which that pack says something else."""
    book = default_book()
    policy = book.in_force("platform", START)
    other = replace(policy, pack=replace(policy.pack, **changes))
    return PolicyBook({each.ref: other if each.ref == policy.ref else each for each in book})


def grounds(story: Story) -> str:
    """The ground of the refusal that the complainant was told."""
    (notice,) = story.sent("refused")
    assert notice.party is Party.COMPLAINANT
    assert story.open_case.outcome is Outcome.REFUSED
    assert notice.facts["ground"] == story.open_case.outcome_ground
    return story.open_case.outcome_ground


def refused_by_agent() -> Story:
    """A complaint that was proven false: the refusal can be reviewed, yet it is no matter to file anew."""
    story = Story().to_acceptance()
    story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    assert story.at(Stage.CLOSED)
    return story


# --- ADM-1 ------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-1")
def test_the_order_is_looked_up_and_proves_the_purchase() -> None:
    story = Story()
    story.file()
    assert isinstance(story.entries[0].facts[-1], facts.EffectOrdered)
    assert effects.LookUpOrder(key="buyer-017/order-1001:1:2", order="order-1001") in [
        fact.effect for fact in story.all(facts.EffectOrdered)
    ]
    assert story.open_case.standing
    assert story.at(Stage.ACCEPTANCE)
    assert not story.sent("proof_of_purchase_wanted")


@pytest.mark.rule("ADM-1")
@pytest.mark.parametrize("buyer", [None, "buyer-099"])
def test_without_proof_of_purchase_the_complainant_is_asked_once_and_then_refused(buyer: str | None) -> None:
    story = Story()
    story.order = order(buyer=buyer) if buyer else None
    story.file()
    assert not story.open_case.standing
    (asked,) = story.open_case.open_requests(Party.COMPLAINANT)
    assert asked.kind is RequestKind.PROOF_OF_PURCHASE
    due = story.clock(ClockKind.PROOF_OF_PURCHASE, asked.id).due
    assert due.isoformat() == "2026-03-05T10:00:00+00:00"  # the third day at 18:00 in Shanghai
    story.accepted(events.SubmitEvidence, BUYER, items=(item("video"),))
    assert story.at(Stage.INTAKE)
    story.wait(days=5)
    assert grounds(story) == Ground.NO_PROOF_OF_PURCHASE
    assert len(story.sent("proof_of_purchase_wanted")) == 1
    assert story.open_case.path == (Stage.INTAKE, Stage.REFUSED, Stage.CLOSED)
    (refused,) = [entry for entry in story.entries if any(isinstance(f, facts.OutcomeSet) for f in entry.facts)]
    assert (refused.event, refused.effective_at) == ("clock_missed", due)
    assert "ADM-1" in refused.rules


@pytest.mark.rule("ADM-1")
def test_a_receipt_proves_the_purchase_instead() -> None:
    story = Story()
    story.order = None
    story.file()
    story.wait(days=1)
    entry = story.accepted(events.SubmitEvidence, BUYER, items=(item("receipt"),))
    assert "ADM-1" in entry.rules
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.PROOF_OF_PURCHASE, "Q1").state is ClockState.MET
    assert story.all(facts.StandingProven)[0].evidence == ("E2",)


# --- ADM-2 ------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-2")
def test_a_late_complaint_is_refused_with_the_dates_that_show_it() -> None:
    story = Story()
    bought = START - timedelta(days=366)
    story.order = order(purchased_at=bought)
    story.file()
    assert grounds(story) == Ground.TOO_LATE
    outcome = story.all(facts.OutcomeSet)[0]
    assert outcome.rules == ("ADM-2",)
    assert outcome.detail == {"received": START.isoformat(), "limit": (bought + timedelta(days=365)).isoformat()}
    (notice,) = story.sent("refused")
    assert outcome.detail.items() <= notice.facts.items()


@pytest.mark.rule("ADM-2")
def test_the_last_instant_of_the_limit_is_in_time() -> None:
    story = Story()
    story.order = order(purchased_at=START - timedelta(days=365))
    story.file()
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-2")
def test_the_limit_counts_from_when_the_problem_arose_if_that_is_later() -> None:
    story = Story()
    story.order = order(purchased_at=START - timedelta(days=700))
    story.file(claim=Claim(remedies=(RemedyKind.REPAIR,), problem_since=START - timedelta(days=10)))
    assert story.at(Stage.ACCEPTANCE)


# --- ADM-5 ------------------------------------------------------------------------------------


@pytest.mark.rule("ADM-5")
def test_a_complaint_proven_false_is_refused_by_an_agent() -> None:
    story = Story().to_acceptance()
    assert story.refused(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING, reason=None).rule == "TRA-1"
    entry = story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    assert "ADM-5" in entry.rules
    assert entry.reason == text("reason")
    assert grounds(story) == Ground.FALSE_OR_MISLEADING
    assert story.at(Stage.CLOSED)


@pytest.mark.rule("ADM-5")
def test_a_complaint_about_another_platform_is_outside_the_jurisdiction() -> None:
    story = Story()
    story.order = order(platform="elsewhere")
    story.file()
    assert grounds(story) == Ground.OUTSIDE_JURISDICTION
    assert story.sent("refused")[0].facts["platform"] == "elsewhere"


@pytest.mark.rule("ADM-5")
def test_the_same_content_after_closing_was_handled_already_and_the_complainant_is_told() -> None:
    story = refused_by_agent()
    answer = story.file(request_id="r-again")
    assert not answer.accepted
    assert answer.refusal is not None
    assert (answer.refusal.code, answer.refusal.rule) == (Ground.ALREADY_HANDLED, "ADM-5")
    assert len(story.sent("already_handled")) == 1
    assert story.open_case.contacts[-1].channel is Channel.ORDER_PAGE
    assert story.at(Stage.CLOSED)
    assert not story.open_case.appeals


@pytest.mark.rule("ADM-5", "INT-2", "APL-1")
def test_new_evidence_after_closing_is_an_appeal_and_no_repeat() -> None:
    story = refused_by_agent()
    assert story.file(request_id="r-first").refusal is not None
    assert story.file(request_id="r-again", evidence=(item("photo"), item("video"))).accepted
    assert [evidence.kind for evidence in story.open_case.evidence] == ["photo", "video"]
    (appeal,) = story.open_case.appeals
    assert appeal.evidence == ("E2",)


@pytest.mark.rule("ADM-5")
def test_a_duplicate_that_was_merged_was_handled_already() -> None:
    story = Story().to_acceptance()
    story.accepted(events.MergeCase, into="buyer-017/order-1002")
    assert story.open_case.outcome is Outcome.MERGED
    for evidence in ((), (item("video"),)):
        refusal = story.file(request_id=f"r-again-{len(evidence)}", evidence=evidence).refusal
        assert refusal is not None
        assert refusal.code == Ground.ALREADY_HANDLED
    assert story.open_case.path[-1] is Stage.CLOSED


@pytest.mark.rule("ADM-5")
@pytest.mark.parametrize("ground", Ground)
def test_agents_refuse_on_the_grounds_that_are_theirs(ground: Ground) -> None:
    story = Story().to_acceptance()
    row = story.book.policy(story.open_case.policy).pack.admission.grounds[ground]
    if row.by_agent and ground is not Ground.NO_REVIEW_GROUND:
        entry = story.accepted(events.RefuseComplaint, ground=ground)
        assert {"ADM-5", row.rule} <= set(entry.rules)
        assert grounds(story) == ground
    else:
        refusal = story.refused(events.RefuseComplaint, ground=ground)
        assert (refusal.code, refusal.rule) == ("wrong_ground", "ADM-5")
        assert refusal.message.startswith("ground: ")


@pytest.mark.rule("ADM-5", "ESC-7")
def test_in_the_review_of_a_refusal_an_agent_may_refuse_on_the_same_ground_again() -> None:
    story = Story()
    story.order = order(purchased_at=START - timedelta(days=366))
    story.file()
    assert grounds(story) == Ground.TOO_LATE
    story.accepted(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)
    assert story.at(Stage.ACCEPTANCE)
    story.accepted(events.RefuseComplaint, ground=Ground.TOO_LATE)
    assert story.open_case.outcome_ground == Ground.TOO_LATE
    assert len(story.sent("refused")) == 2


@pytest.mark.rule("ADM-5", "ESC-7")
def test_a_refusal_that_ends_the_matter_names_it_final() -> None:
    review = replace(platform().review, final=True)
    story = Story(book_with(review=review))
    story.order = order(platform="elsewhere")
    story.file()
    story.accepted(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)
    story.accepted(events.RefuseComplaint, CHIEF, ground=Ground.OUTSIDE_JURISDICTION)
    (notice,) = story.sent("refused_final")
    assert notice.facts["ground"] == Ground.OUTSIDE_JURISDICTION
    assert story.sent("refused") == story.sent("refused")[:1]


@pytest.mark.rule("ADM-5")
def test_a_complaint_that_is_being_verified_can_no_longer_be_refused() -> None:
    story = Story().to_acceptance()
    story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    other = Story().to_verification()
    assert other.refused(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING).code == "wrong_stage"


# --- ADM-7 ------------------------------------------------------------------------------------


def unapproached(**changes: object) -> Story:
    story = Story()
    story.file(seller_contact=SellerContact.NOT_APPROACHED, **changes)
    return story


@pytest.mark.rule("ADM-7")
def test_the_seller_comes_first() -> None:
    story = unapproached()
    assert story.at(Stage.INTAKE)
    assert story.clock(ClockKind.SELLER_FIRST).due == START + timedelta(hours=48)
    assert {notice.party for notice in story.sent("seller_first")} == {Party.COMPLAINANT, Party.RESPONDENT}
    assert story.refused(events.AcceptComplaint).code == "wrong_stage"


@pytest.mark.rule("ADM-7")
@pytest.mark.parametrize("result", [SellerContact.REFUSED, SellerContact.NO_ANSWER, SellerContact.UNSATISFACTORY])
def test_the_platform_steps_in_when_the_seller_did_not_solve_it(result: SellerContact) -> None:
    story = unapproached()
    story.accepted(events.ReportSellerContact, BUYER, result=result)
    assert story.open_case.seller_contact is result
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.SELLER_FIRST).state is ClockState.MET


@pytest.mark.rule("ADM-7")
def test_what_the_seller_solved_is_settled() -> None:
    story = unapproached()
    story.accepted(events.ReportSellerContact, BUYER, result=SellerContact.SOLVED)
    assert story.open_case.outcome is Outcome.SETTLED_BY_SELLER
    assert story.at(Stage.CLOSED)
    assert {clock.kind for clock in story.open_case.clocks if clock.active} == {ClockKind.CLOSING_WINDOW}


@pytest.mark.rule("ADM-7")
def test_a_seller_who_does_not_answer_in_time_loses_its_turn() -> None:
    story = unapproached()
    story.wait(hours=48)
    assert story.open_case.seller_contact is SellerContact.NO_ANSWER
    assert story.at(Stage.ACCEPTANCE)
    assert story.clock(ClockKind.SELLER_FIRST).state is ClockState.MISSED


@pytest.mark.rule("ADM-7")
@pytest.mark.parametrize("given", [{"high_risk": True}, {"channel": Channel.REGULATOR}])
def test_high_risk_and_external_complaints_skip_the_seller(given: dict[str, object]) -> None:
    story = unapproached(**given)
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.clock(ClockKind.SELLER_FIRST) is None
    assert not story.sent("seller_first")


@pytest.mark.rule("ADM-7")
def test_only_intake_asks_what_the_seller_said() -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.ReportSellerContact, BUYER, result=SellerContact.REFUSED)
    assert (refusal.code, refusal.rule) == ("wrong_stage", "ADM-7")
    assert story.refused(events.ReportSellerContact, SELLER, result=SellerContact.SOLVED).code == "no_right"


@pytest.mark.rule("ADM-1")
def test_a_receipt_that_an_agent_files_proves_the_purchase_too() -> None:
    story = Story()
    story.order = None
    story.file(evidence=())
    assert story.at(Stage.INTAKE)
    assert story.act(events.SubmitEvidence, items=(item("receipt"),)).accepted
    assert story.at(Stage.ACCEPTANCE)
    assert not story.open_case.open_requests()


# --- ADM-1: who is on the order ---------------------------------------------------------------


@pytest.mark.rule("ADM-1")
def test_every_order_is_looked_up_and_only_the_complainants_own_count() -> None:
    story = Story()
    story.other_orders = {
        "order-1002": order(order="order-1002", paid_fen=5_000),
        "order-1003": order(order="order-1003", buyer="buyer-099"),
    }
    story.file(orders=("order-1001", "order-1002", "order-1003"))
    looked_up = [f.effect.order for f in story.all(facts.EffectOrdered) if isinstance(f.effect, effects.LookUpOrder)]
    assert looked_up == ["order-1001", "order-1002", "order-1003"]
    assert [known.order for known in story.open_case.orders_known] == ["order-1001", "order-1002"]
    assert story.open_case.orders_checked == ("order-1001", "order-1002", "order-1003")
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-1")
def test_nothing_is_examined_before_the_last_order_is_known() -> None:
    story = Story(hold=True)
    story.file(orders=("order-1001", "order-1002"))
    for effect in sorted(story.open_case.outbox, key=lambda each: isinstance(each, effects.LookUpOrder)):
        assert story.at(Stage.INTAKE)
        outcome = story.outcome(effect)
        story.happen(events.EffectsReported(results=(events.Result(key=effect.key, outcome=outcome),)))
    assert story.at(Stage.ACCEPTANCE)
    assert [known.order for known in story.open_case.orders_known] == ["order-1001"]


@pytest.mark.rule("ADM-1")
def test_the_order_names_the_seller() -> None:
    story = Story()
    story.order = order(seller="seller-300")
    story.file()
    assert story.open_case.respondent == "seller-300"
    assert story.refused(events.SubmitStatement, SELLER, text=text("not mine")).code == "not_a_party"
    assert not Story().to_acceptance().all(facts.RespondentNamed)


@pytest.mark.rule("ADM-1")
def test_a_receipt_in_a_further_complaint_proves_the_purchase_and_leaves_nothing_open() -> None:
    story = Story()
    story.order = None
    story.file()
    assert story.file(request_id="r-again", evidence=(item("contract"),)).accepted
    assert story.at(Stage.ACCEPTANCE)
    assert not story.open_case.open_requests()
    assert story.clock(ClockKind.PROOF_OF_PURCHASE, "Q1").state is ClockState.MET


@pytest.mark.rule("INT-1")
def test_no_order_is_named_twice() -> None:
    refusal = Story().file(orders=("order-1001", "order-1001")).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == ("order_repeated", "INT-1")
    assert refusal.message.startswith("orders: ")


# --- ADM-4: clear ---------------------------------------------------------------------------------


@pytest.mark.rule("ADM-4")
def test_who_writes_too_little_is_asked_once_and_then_an_agent_judges() -> None:
    story = Story()
    story.file(description=text("short"))
    assert story.at(Stage.INTAKE)
    (asked,) = story.open_case.open_requests()
    assert (asked.kind, asked.party) == (RequestKind.COMPLETION, Party.COMPLAINANT)
    assert asked.wanted == platform().admission.clarity.facts
    (notice,) = story.sent("completion_wanted")
    assert notice.facts["wanted"] == "time, place, goods, service, claim"
    assert notice.facts["due"] == "2026-03-05 18:00+08:00"
    assert story.clock(ClockKind.ACCEPTANCE).state is ClockState.PAUSED
    entry = story.accepted(events.CompleteComplaint, BUYER, description=text("more"))
    assert "ADM-4" in entry.rules
    assert story.open_case.description == text("more")
    assert story.open_case.requests[0].state is RequestState.ANSWERED
    assert story.at(Stage.ACCEPTANCE)
    assert len(story.sent("completion_wanted")) == 1


@pytest.mark.rule("ADM-4")
@pytest.mark.parametrize(("size", "stage"), [(5, Stage.INTAKE), (6, Stage.ACCEPTANCE)])
def test_how_little_is_too_little(size: int, stage: Stage) -> None:
    story = Story()
    story.file(description=replace(text("description"), size=size))
    assert story.at(stage)


@pytest.mark.rule("ADM-4")
def test_what_stays_unclear_is_refused() -> None:
    story = Story()
    story.file(description=text("short"))
    story.wait(days=4)
    assert grounds(story) == Ground.UNCLEAR
    assert story.open_case.requests[0].state is RequestState.LAPSED
    assert story.at(Stage.CLOSED)


@pytest.mark.rule("ADM-4")
def test_an_agent_asks_for_what_is_unclear_before_acceptance() -> None:
    story = Story().to_acceptance()
    story.accepted(events.RequestCompletion, wanted=("time", "goods"))
    assert story.open_case.open_requests()[0].wanted == ("time", "goods")
    assert story.refused(events.RequestCompletion, wanted=("time",)).code == "request_open"
    refusal = story.refused(events.AcceptComplaint)
    assert (refusal.code, refusal.rule) == ("answer_outstanding", "ADM-4")
    story.accepted(events.CompleteComplaint, description=text("told by telephone"))
    assert story.refused(events.CompleteComplaint, BUYER, description=text("unasked")).code == "not_asked"
    story.accepted(events.RequestCompletion, wanted=("place",))
    story.wait(days=4)
    assert grounds(story) == Ground.UNCLEAR


@pytest.mark.rule("ADM-4")
def test_nothing_is_admitted_while_an_agent_waits_for_clarity() -> None:
    story = unapproached()
    story.accepted(events.RequestCompletion, wanted=("goods",))
    story.accepted(events.ReportSellerContact, BUYER, result=SellerContact.REFUSED)
    assert story.at(Stage.INTAKE)
    story.accepted(events.CompleteComplaint, BUYER, description=text("the blue kettle"))
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-4")
def test_what_is_asked_for_is_named_by_the_policy_and_in_time() -> None:
    story = Story().to_acceptance()
    refusal = story.refused(events.RequestCompletion, wanted=("goods", "mood"))
    assert (refusal.code, refusal.rule) == ("unknown_fact", "ADM-4")
    assert refusal.message.startswith("wanted: mood")
    story.accepted(events.AcceptComplaint)
    assert story.refused(events.RequestCompletion, wanted=("goods",)).code == "wrong_stage"


# --- ADM-4: reasonable ----------------------------------------------------------------------------


def claimed(story: Story, *remedies: RemedyKind, amount_fen: int | None = None, **changes: object) -> Claim:
    """What is left of a claim at acceptance."""
    story.file(claim=Claim(remedies=remedies, amount_fen=amount_fen), **changes)
    assert story.at(Stage.ACCEPTANCE)
    return story.open_case.claim


@pytest.mark.rule("ADM-4")
def test_remedies_that_the_category_does_not_offer_are_left_out_of_the_claim() -> None:
    story = Story()
    left = claimed(story, RemedyKind.TRAINING, RemedyKind.REFUND, RemedyKind.RESHIPMENT, amount_fen=19_900)
    assert left == Claim(remedies=(RemedyKind.REFUND,), amount_fen=19_900)
    (notice,) = story.sent("claim_narrowed")
    assert (notice.party, notice.facts["claim"]) == (Party.COMPLAINANT, "refund, 199.00")


@pytest.mark.rule("ADM-4")
@pytest.mark.parametrize(
    ("remedies", "amount", "left"),
    [
        ((RemedyKind.REFUND,), 19_900, 19_900),
        ((RemedyKind.REFUND,), 19_901, 19_900),
        ((RemedyKind.EXCHANGE,), 30_000, 19_900),
        ((RemedyKind.REFUND, RemedyKind.COMPENSATION), 59_700, 59_700),
        ((RemedyKind.REFUND, RemedyKind.COMPENSATION), 59_701, 59_700),
        ((RemedyKind.REFUND,), None, None),
    ],
)
def test_no_claim_is_over_the_highest_cap_that_applies(
    remedies: tuple[RemedyKind, ...], amount: int | None, left: int | None
) -> None:
    story = Story()
    assert claimed(story, *remedies, amount_fen=amount).amount_fen == left
    assert len(story.sent("claim_narrowed")) == (amount != left)


@pytest.mark.rule("ADM-4")
def test_a_claim_about_several_orders_is_measured_by_all_of_them() -> None:
    story = Story()
    story.other_orders = {"order-1002": order(order="order-1002", paid_fen=5_000)}
    orders = ("order-1001", "order-1002")
    assert claimed(story, RemedyKind.REFUND, amount_fen=30_000, orders=orders).amount_fen == 24_900


@pytest.mark.rule("ADM-4")
def test_what_the_policy_computes_follows_its_own_cap() -> None:
    story = Story()
    story.order = order(paid_fen=900)
    category = Category.BROKEN_PROMISE
    left = claimed(story, RemedyKind.PROMISE_COMPENSATION, amount_fen=2_000, category=category)
    assert left.amount_fen == 2_000


@pytest.mark.rule("ADM-4")
def test_of_what_cost_nothing_no_amount_is_left() -> None:
    story = Story()
    story.order = order(paid_fen=0)
    assert claimed(story, RemedyKind.EXCHANGE, amount_fen=100) == Claim(remedies=(RemedyKind.EXCHANGE,))


@pytest.mark.rule("ADM-4")
def test_a_claim_of_which_nothing_is_left_is_refused() -> None:
    story = Story()
    story.file(claim=Claim(remedies=(RemedyKind.TRAINING, RemedyKind.REVIEW_REMOVAL)))
    assert grounds(story) == Ground.CLAIM_NOT_ALLOWED
    assert story.sent("refused")[0].facts["claim"] == "training, review_removal"


@pytest.mark.rule("ADM-4")
def test_an_agent_narrows_a_claim_with_its_reason() -> None:
    claim = Claim(remedies=(RemedyKind.REFUND, RemedyKind.APOLOGY), amount_fen=10_000, return_reason="quality")
    story = Story().to_verification(claim=claim)
    narrower = Claim(remedies=(RemedyKind.REFUND,), amount_fen=4_000)
    assert story.refused(events.NarrowClaim, claim=narrower, reason=None).rule == "ADM-4"
    entry = story.accepted(events.NarrowClaim, claim=narrower)
    assert "ADM-4" in entry.rules
    assert story.open_case.claim == replace(narrower, return_reason="quality")
    assert story.sent("claim_narrowed")[0].facts["claim"] == "refund, 40.00"


@pytest.mark.rule("ADM-4")
@pytest.mark.parametrize(
    ("claim", "code"),
    [
        (Claim(remedies=(RemedyKind.REFUND, RemedyKind.APOLOGY), amount_fen=10_000), "not_narrower"),
        (Claim(remedies=(RemedyKind.REFUND, RemedyKind.REPAIR), amount_fen=10_000), "not_narrower"),
        (Claim(remedies=(RemedyKind.REFUND,), amount_fen=10_001), "not_narrower"),
        (Claim(remedies=(RemedyKind.REFUND,)), "not_narrower"),
        (Claim(remedies=(RemedyKind.APOLOGY,), return_reason="late"), "claim_changed"),
        (Claim(remedies=(RemedyKind.TRAINING,)), "remedy_not_offered"),
    ],
)
def test_a_claim_is_never_widened(claim: Claim, code: str) -> None:
    story = Story().to_acceptance(
        claim=Claim(remedies=(RemedyKind.REFUND, RemedyKind.APOLOGY), amount_fen=10_000, return_reason="quality")
    )
    refusal = story.refused(events.NarrowClaim, claim=claim)
    assert refusal.code == code
    assert refusal.message.startswith("claim")
    story.accepted(events.NarrowClaim, claim=Claim(remedies=(RemedyKind.APOLOGY,)))


@pytest.mark.rule("ADM-4")
def test_a_claim_is_narrowed_until_verification_has_ended() -> None:
    story = Story().to_coordination()
    refusal = story.refused(events.NarrowClaim, claim=Claim(remedies=(RemedyKind.REFUND,), amount_fen=1))
    assert (refusal.code, refusal.rule) == ("wrong_stage", "ADM-4")


# --- ADM-5: brought again -------------------------------------------------------------------------


def without_proof(story: Story) -> None:
    story.order = None
    story.file()
    story.wait(days=5)


def unclear(story: Story) -> None:
    story.file(description=text("short"))
    story.wait(days=5)


def withdrawn(story: Story) -> None:
    story.to_verification()
    story.accepted(events.WithdrawComplaint, BUYER)


def settled(story: Story) -> None:
    story.file(seller_contact=SellerContact.NOT_APPROACHED)
    story.accepted(events.ReportSellerContact, BUYER, result=SellerContact.SOLVED)


def not_allowed(story: Story) -> None:
    story.file(claim=Claim(remedies=(RemedyKind.TRAINING,)))


@pytest.mark.rule("ADM-5", "INT-2")
@pytest.mark.parametrize("archived", [False, True])
@pytest.mark.parametrize("end", [without_proof, unclear, withdrawn, settled, not_allowed])
def test_what_was_never_handled_is_filed_anew(end: Any, archived: bool) -> None:
    story = Story()
    end(story)
    assert story.at(Stage.CLOSED)
    if archived:
        story.wait(days=20)
        assert story.at(Stage.ARCHIVED)
    received = len(story.sent("received"))
    story.order = order()
    assert story.file(request_id="r-again", evidence=(item("photo"), item("receipt"))).accepted
    case = story.open_case
    assert case.path[-2:] == (Stage.INTAKE, Stage.ACCEPTANCE)
    assert (case.outcome, case.outcome_ground, case.received_at) == (None, "", story.now)
    assert [evidence.kind for evidence in case.evidence if evidence.kind == "photo"] == ["photo"]
    assert len(story.sent("received")) == received + 1
    for kind in (ClockKind.ACCEPTANCE, ClockKind.FIRST_CONTACT, ClockKind.RESULT):
        assert story.clock(kind).active
        assert story.clock(kind).armed_at == story.now
    story.accepted(events.AcceptComplaint)
    assert story.at(Stage.VERIFICATION)


@pytest.mark.rule("ADM-5", "ADM-1")
def test_who_brings_the_receipt_after_a_refusal_for_want_of_it_is_heard() -> None:
    story = Story()
    without_proof(story)
    assert grounds(story) == Ground.NO_PROOF_OF_PURCHASE
    assert story.file(request_id="r-again", evidence=(item("receipt"),)).accepted
    assert story.at(Stage.ACCEPTANCE)
    assert not story.open_case.appeals


@pytest.mark.rule("ADM-5", "ADM-1")
def test_a_complaint_filed_anew_is_asked_for_proof_once_more() -> None:
    story = Story()
    without_proof(story)
    assert story.file(request_id="r-again").accepted
    assert story.at(Stage.INTAKE)
    assert len(story.sent("proof_of_purchase_wanted")) == 2
    story.wait(days=5)
    assert story.at(Stage.CLOSED)
    assert len(story.sent("refused")) == 2


@pytest.mark.rule("ADM-5", "INT-2")
def test_another_matter_of_the_same_order_is_filed_anew_even_after_a_decision() -> None:
    story = refused_by_agent()
    answer = story.file(request_id="r-again", category=Category.INVOICE, high_risk=True, evidence=())
    assert answer.accepted
    case = story.open_case
    assert (case.category, case.high_risk, case.stage) == (Category.INVOICE, True, Stage.ACCEPTANCE)
    story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
    story.file(request_id="r-third", category=Category.ORDER)
    assert story.open_case.category is Category.ORDER
    assert story.open_case.high_risk, "what was once a matter of safety stays one"


@pytest.mark.rule("ADM-5")
def test_what_was_decided_before_the_other_matter_stays_decided() -> None:
    story = refused_by_agent()
    assert story.file(request_id="r-other", category=Category.INVOICE).accepted
    story.accepted(events.WithdrawComplaint, BUYER)
    refusal = story.file(request_id="r-again", category=Category.QUALITY).refusal
    assert refusal is not None
    assert refusal.code == Ground.ALREADY_HANDLED
    assert story.file(request_id="r-undecided", category=Category.INVOICE).accepted
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("ADM-1", "APL-1")
def test_an_order_that_is_not_found_again_for_an_appeal_stays_known() -> None:
    story = refused_by_agent()
    known = story.open_case.order
    assert known is not None
    story.order = None
    assert story.file(request_id="r-again", evidence=(item("video"),)).accepted
    assert story.open_case.appeals
    assert story.open_case.order == known


@pytest.mark.rule("ADM-5", "ADM-7")
def test_a_complaint_filed_anew_gives_the_seller_its_turn_again() -> None:
    story = Story()
    settled(story)
    story.wait(hours=1)
    story.file(request_id="r-again", seller_contact=SellerContact.NOT_APPROACHED)
    assert story.at(Stage.INTAKE)
    assert story.clock(ClockKind.SELLER_FIRST).due == story.now + timedelta(hours=48)
    story.wait(hours=48)
    assert story.at(Stage.ACCEPTANCE)


@pytest.mark.rule("PEN-4", "ADM-5")
def test_a_complaint_filed_anew_dates_the_conduct_anew() -> None:
    story = Story()
    withdrawn(story)
    assert str(story.open_case.penalty_policy) == "platform@2024-07-22"
    claim = Claim(remedies=(RemedyKind.REFUND,), problem_since=START.replace(year=2023))
    story.file(request_id="r-again", claim=claim)
    assert str(story.open_case.policy) == "platform@2024-07-22"
    assert str(story.open_case.penalty_policy) == "platform@2020-01-01"


@pytest.mark.rule("INT-4")
def test_what_is_filed_anew_has_to_be_as_complete_as_any_complaint() -> None:
    story = refused_by_agent()
    refusal = story.file(request_id="r-again", category=Category.MALICIOUS_REVIEW).refusal
    assert refusal is not None
    assert refusal.code == "field_missing"
    assert story.file(request_id="r-third", category=Category.ORDER).accepted


# --- COO-6 ----------------------------------------------------------------------------------------


@pytest.mark.rule("COO-6")
def test_a_complaint_becomes_a_dispute_when_the_platform_has_to_intervene() -> None:
    story = unapproached(claim=Claim(remedies=(RemedyKind.RETURN_AND_REFUND,), return_reason="not_as_described"))
    assert story.open_case.claim.return_reason == "not_as_described"
    assert story.open_case.disputed_at is None
    story.wait(hours=48)
    assert story.at(Stage.ACCEPTANCE)
    assert story.open_case.disputed_at == START + timedelta(hours=48)


@pytest.mark.rule("ADM-7")
def test_what_the_seller_solved_never_was_a_dispute() -> None:
    story = Story()
    settled(story)
    assert story.open_case.disputed_at is None


@pytest.mark.rule("COO-6")
def test_a_refusal_that_is_put_right_is_a_dispute_from_then_on() -> None:
    story = Story()
    story.order = order(purchased_at=START - timedelta(days=366))
    story.file()
    assert story.open_case.disputed_at is None
    story.accepted(events.RequestReview, BUYER, channel=Channel.ORDER_PAGE)
    story.accepted(events.AcceptComplaint)
    assert story.open_case.disputed_at == story.now


@pytest.mark.rule("COO-6")
def test_the_reason_for_a_return_is_one_of_the_policys() -> None:
    refusal = Story().file(claim=Claim(remedies=(RemedyKind.EXCHANGE,), return_reason="whim")).refusal
    assert refusal is not None
    assert (refusal.code, refusal.rule) == ("unknown_return_reason", "COO-6")
    assert refusal.message.startswith("claim.return_reason: ")


# --- PEN-4 ----------------------------------------------------------------------------------------


@pytest.mark.rule("PEN-4")
@pytest.mark.parametrize(
    ("since", "penalties"),
    [
        ("2024-07-21T23:59:59+08:00", "platform@2020-01-01"),
        ("2024-07-22T00:00:00+08:00", "platform@2024-07-22"),
        ("2019-12-31T23:59:59+08:00", "None"),
        ("2027-01-01T00:00:00+08:00", "platform@2024-07-22"),
    ],
)
def test_procedure_follows_the_receipt_and_penalties_the_conduct(since: str, penalties: str) -> None:
    story = Story()
    story.file(claim=Claim(remedies=(RemedyKind.REFUND,), problem_since=datetime.fromisoformat(since)))
    assert str(story.open_case.policy) == "platform@2024-07-22"
    assert str(story.open_case.penalty_policy) == penalties
