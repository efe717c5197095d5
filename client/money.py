"""Amounts as people write them, in yuan, and as Tousu keeps them, in whole fen. Never through a float."""

import re
from decimal import Decimal

from client.errors import UsageError


def fen(amount: str, field: str = "amount") -> int:
    """Yuan to fen: 199.00 is 19900. Raises UsageError for anything that is not a plain amount of money."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,2})?", amount):
        raise UsageError("give yuan as a number with at most two decimals, such as 199.00", field)
    whole = int(Decimal(amount) * 100)
    if whole == 0:
        raise UsageError("give more than nothing", field)
    return whole
