"""Which rule is shown by which test, and that it really was."""

from tests.traceability.citations import cite

__all__ = ["cite"]
