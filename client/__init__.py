"""The client: what `starter.py` offers, to programs as functions and to people as a command line."""
