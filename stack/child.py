"""Become a server that dies with its parent; run as a script, never imported.

    python -I -S child.py PARENT_PID DEATH_SIGNAL ACCOUNT COMMAND...

ACCOUNT is `-` (stay who we are), `UID:GID` (become that account, for PostgreSQL refuses to run as
root) or `UID:GID:pass` (and keep the one right to pass through directories closed to others, such
as a checkout under `/root`: the alternative is to open the user's directories to everybody).

The parent-death signal and the kept right exist on Linux only. Elsewhere a server whose parent was
killed outright lives on until the next start ends it.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAPABILITY_VERSION_3 = 0x20080522
CAP_DAC_OVERRIDE = 1


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def _prctl(libc: ctypes.CDLL, option: int, value: int, third: int = 0) -> None:
    if libc.prctl(option, value, third, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _keep_passage(libc: ctypes.CDLL) -> None:
    """Hold exactly one capability, and let it survive exec."""
    bit = 1 << CAP_DAC_OVERRIDE
    header = _Header(CAPABILITY_VERSION_3, 0)
    sets = (_Sets * 2)(_Sets(bit, bit, bit), _Sets(0, 0, 0))
    if libc.capset(ctypes.byref(header), sets) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    _prctl(libc, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE)


def _become(account: str, libc: ctypes.CDLL | None) -> None:
    uid, gid, *passage = account.split(":")
    if passage and libc is not None:
        # Capabilities then outlast the change of account, and count in access(2), with which initdb looks for its
        # programs; without this that call ignores the capabilities of all but root.
        _prctl(libc, PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setgid(int(gid))
    os.setuid(int(uid))
    if passage and libc is not None:
        _keep_passage(libc)


def main(parent: int, death_signal: int, account: str, command: list[str]) -> None:
    """Set the parent-death signal and the account, then become the command."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
    if account != "-":
        _become(account, libc)
    if libc is not None:
        # After the change of account, which clears it.
        _prctl(libc, PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before it could be watched
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - the caller chose the command; no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
