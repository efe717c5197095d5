"""The pure core: what a case is and what follows from what happens to it.

Nothing here knows Temporal, a database, a clock, randomness or async; `decide.decide` is the one door in.
"""
