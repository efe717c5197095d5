"""The rules, one file a subject. Each takes a draft and what happened, and records what follows, citing the
catalogue.
"""
