"""Follow-up: is the problem really solved? And closing, reopening, archiving (area FUP)."""

from policies.schema import ClockKind, Party, Stage, Trigger
from states import facts
from states.case import Case
from states.draft import Draft, Refused
from states.events import AnswerSurvey, ReopenCase
from states.rules import verification
from states.values import Hearing, HearingKind, Survey


def open_(draft: Draft) -> None:
    """The complainant is asked, once for each closing (FUP-1)."""
    draft.tell("survey", Party.COMPLAINANT, "FUP-1")


def answer_survey(draft: Draft, act: AnswerSurvey) -> None:
    """The evaluation form is on file (FUP-1); "not solved" brings the case back one level higher (FUP-2).

    Where no return is left, or the ruling is final (ESC-7), the outside routes are told instead.
    """
    if not _may_answer(draft.case):
        raise Refused("wrong_stage", "the survey is answered during follow-up, once for each closing", "FUP-1")
    survey = Survey(
        closing=_closing(draft.case),
        solved=act.solved,
        scores=act.scores,
        comment=act.comment,
        at=draft.at,
    )
    returns_left = draft.case.returns < draft.pack.follow_up.max_returns and not draft.case.final
    draft.record(facts.SurveyAnswered(survey=survey, rules=("FUP-1",)))
    draft.have_read(act.comment)
    if not act.solved and returns_left:
        _bring_back(draft, HearingKind.NOT_SOLVED, "return_unsolved", "FUP-2")
        draft.raise_level(Trigger.NOT_SOLVED, "FUP-2", arming=len(draft.case.surveys))
        return
    if not act.solved:
        draft.tell("outside_routes", Party.COMPLAINANT, "FUP-2", "APL-4")
    if draft.case.stage is Stage.FOLLOW_UP:
        draft.move("close", "FUP-1")


def _closing(case: Case) -> int:
    """Which closing the survey of this moment belongs to."""
    return case.closings + (case.stage is Stage.FOLLOW_UP)


def _may_answer(case: Case) -> bool:
    """During follow-up, and after it while the case is closed; once for each closing."""
    followed_up = case.stage is Stage.FOLLOW_UP or case.path[-2:] == (Stage.FOLLOW_UP, Stage.CLOSED)
    return followed_up and all(survey.closing != _closing(case) for survey in case.surveys)


def survey_lapsed(draft: Draft, subject: str) -> None:
    """No answer in time: the case closes (FUP-1)."""
    draft.move("close", "FUP-1")


def closing_window_lapsed(draft: Draft, subject: str) -> None:
    """Nobody came back to the case in the time for that: the file is archived, but for an appeal being examined."""
    if draft.case.open_appeal is not None:
        draft.arm(ClockKind.CLOSING_WINDOW)
        return
    draft.move("archive", "FBK-1")


def reopen(draft: Draft, act: ReopenCase) -> None:
    """A closed case is open again, also when its run has ended."""
    if act.reason is None:
        raise Refused("reason_missing", "reason: reopening needs a reason", "TRA-1")
    if act.case_id != draft.case.case_id:
        raise Refused("wrong_case", f"case_id: this is {draft.case.case_id}, not {act.case_id}", "TRA-1")
    if not draft.can("reopen"):
        raise Refused("not_closed", f"the case is {draft.case.stage}: only a case that is over is reopened", "TRA-1")
    draft.record(facts.Reopened(rules=("TRA-1",)))
    draft.own(act.actor)
    _bring_back(draft, HearingKind.REOPENED, "reopen", "TRA-1")


def bring_back_if_over(draft: Draft, rule: str) -> None:
    """What happens to a case that is over may open it again, whatever was decided (ESC-5, ESC-9)."""
    if draft.can("reopen"):
        draft.record(facts.Reopened(rules=(rule,)))
        _bring_back(draft, HearingKind.REOPENED, "reopen", rule)


def _bring_back(draft: Draft, kind: HearingKind, event: str, rule: str) -> None:
    """The case is heard again, by whoever takes it; rounds begin anew."""
    hearing = Hearing(
        kind=kind, opened_at=draft.at, requests=len(draft.case.requests), proposals=len(draft.case.proposals)
    )
    draft.record(facts.HearingOpened(hearing=hearing, rules=(rule,)))
    draft.move(event, rule)
    draft.record(facts.OutcomeSet(outcome=None, rules=(rule,)))
    draft.tell_both("reopened", rule)
    verification.open_(draft)
