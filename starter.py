"""The client: functions for programs, and a command line over them.

from starter import connect
async with connect() as complaints:
    print(await complaints.progress("buyer-017/order-1001"))

python starter.py --help
"""

import sys

from client.case_file import CaseFile
from client.commands import main
from client.complaints import Complaints, HandedOn, Happening, StuckCase, connect
from client.errors import (
    AwayError,
    ClientError,
    ClosedError,
    DatabaseGoneError,
    EngineAwayError,
    NotConfirmedError,
    NotFoundError,
    UsageError,
)
from client.settings import Settings

__all__ = [
    "AwayError",
    "CaseFile",
    "ClientError",
    "ClosedError",
    "Complaints",
    "DatabaseGoneError",
    "EngineAwayError",
    "HandedOn",
    "Happening",
    "NotConfirmedError",
    "NotFoundError",
    "Settings",
    "StuckCase",
    "UsageError",
    "connect",
    "main",
]

if __name__ == "__main__":
    sys.exit(main())
