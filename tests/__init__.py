"""The tests; every catalogue rule is cited by the tests that show it."""
