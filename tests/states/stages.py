"""A case in any stage of its life, for what has to hold in all of them."""

from policies.book import PolicyBook
from policies.schema import Channel, Ground, Stage
from states import events
from states.lifecycle import OPEN_STAGES
from states.values import SellerContact
from tests.states.story import BUYER, EXCHANGE, Story

OPEN = [stage for stage in Stage if stage in OPEN_STAGES]
OVER = [Stage.REFUSED, Stage.WITHDRAWN, Stage.CLOSED, Stage.ARCHIVED]


def in_stage(stage: Stage, book: PolicyBook | None = None, story: Story | None = None) -> Story:
    """A complaint brought as far as `stage`; refused or withdrawn it stays as long as nobody was reached about that."""
    story = story or Story(book)
    match stage:
        case Stage.INTAKE:
            story.file(seller_contact=SellerContact.NOT_APPROACHED)
        case Stage.ACCEPTANCE:
            story.to_acceptance()
        case Stage.VERIFICATION:
            story.to_verification()
        case Stage.COORDINATION:
            story.to_coordination()
        case Stage.RULING:
            story.to_ruling()
        case Stage.FEEDBACK:
            story.to_feedback(EXCHANGE)
        case Stage.FOLLOW_UP:
            story.to_follow_up()
        case Stage.REFUSED:
            story.to_acceptance().unreachable = set(Channel)
            story.accepted(events.RefuseComplaint, ground=Ground.FALSE_OR_MISLEADING)
        case Stage.WITHDRAWN:
            story.to_verification().unreachable = set(Channel)
            story.accepted(events.WithdrawComplaint, BUYER)
        case Stage.CLOSED:
            story.to_closed()
        case Stage.ARCHIVED:
            story.to_closed().wait(days=60)
    story.unreachable = set()
    assert story.at(stage)
    return story
