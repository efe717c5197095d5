"""From how many complaints on, within how many days, a seller or a product is one incident."""

import pytest

from policies.schema import Category, Matter
from states import effects, facts
from tests.figures.cases import CATEGORIES, filed, ripe
from tests.states.story import SELLER, Story, order

PRODUCT = "rice-cooker-7"
OF_PRODUCTS = (Category.QUALITY, Category.COUNTERFEIT, Category.FALSE_ADVERTISING)
NOT_OF_SELLERS = (Category.MALICIOUS_REVIEW, Category.SERVICE_HANDLING)
"""What the seller complains about itself, or what is the platform's."""


def counted(story: Story) -> dict[Matter, effects.CountMatter]:
    """What the complaint has in common with others."""
    ordered = (each.effect for each in story.all(facts.EffectOrdered))
    return {each.matter: each for each in ordered if isinstance(each, effects.CountMatter)}


@pytest.mark.rule("REP-3")
def test_a_product_is_one_incident_from_5_complaints_within_7_days_and_a_seller_from_20() -> None:
    story = Story()
    story.order = order(product=PRODUCT)
    story.file()
    found = counted(story)
    assert {matter: (each.complaints, each.within_days) for matter, each in found.items()} == {
        Matter.PRODUCT: (5, 7),
        Matter.SELLER: (20, 7),
    }
    assert (found[Matter.PRODUCT].subject, found[Matter.SELLER].subject) == (PRODUCT, SELLER.id)


@pytest.mark.parametrize("category", list(CATEGORIES))
def test_categories_are_those_that_count_for_the_product_and_all_of_the_sellers(category: Category) -> None:
    found = counted(filed(category, ripe(product=PRODUCT)))
    assert (Matter.PRODUCT in found) is (category in OF_PRODUCTS)
    assert (Matter.SELLER in found) is (category not in NOT_OF_SELLERS)
