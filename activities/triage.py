"""What the texts of a case show at first reading (INT-4, ESC-9), in the case's own terms."""

from collections.abc import Iterable, Iterator, Mapping

from policies.schema import Category
from policies.triage import TriageRules
from states import triage
from states.effects import Found
from states.values import Excerpt

_BETWEEN = "\n"
"""What stands between two texts that are read as one: the end of a sentence."""


def shown_by(texts: Mapping[str, str], rules: TriageRules) -> tuple[Found, ...]:
    """What texts show, by their references in the vault: each label and a category, with every place.

    They are read as one, for a title and its description tell the same story.
    """
    proposals = triage.propose(_BETWEEN.join(texts.values()), rules)
    found = [Found(label=each.label, excerpts=tuple(_placed(texts, each.excerpts))) for each in proposals.labels]
    if (other := proposals.category) is not None:
        found.append(Found(category=Category(other.category), excerpts=tuple(_placed(texts, other.excerpts))))
    return tuple(found)


def _placed(texts: Mapping[str, str], excerpts: Iterable[triage.Excerpt]) -> Iterator[Excerpt]:
    """Places in the whole as places in the text that they begin in."""
    for each in excerpts:
        begins = 0
        for ref, text in texts.items():
            ends = begins + len(text)
            if each.start < ends:
                start, end = each.start - begins, min(each.end, ends) - begins
                yield Excerpt(text=ref, start=start, end=end, words=each.pattern)
                break
            begins = ends + len(_BETWEEN)
