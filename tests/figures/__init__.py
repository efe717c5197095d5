"""Every figure of the policy packs, shown by what it does.

Each module restates one section of the packs as a table and shows it by behaviour. `python -m tests.mutants` changes
one figure at a time and has these tests catch it.
"""
