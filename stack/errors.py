"""What can go wrong with a server."""


class ServerError(RuntimeError):
    """A server cannot start, has died, holds something else than expected, or is not ours to handle so."""
