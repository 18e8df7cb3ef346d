"""cfssl's certdb, a SQLite file of a stranger, read row by row.

The file is opened in a process of its own with limits of time and memory (`certdb_child`),
read-only and untrusted; what comes back is text, and each row is judged for itself. Columns as in
cfssl's certdb/sqlite/migrations: serial_number (decimal), status, reason (RFC 5280's number),
revoked_at, pem.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from aggportal.pki import certdb_child
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

MAX_ROWS = 200_000
MAX_SECONDS = 300.0
_SQLITE = b"SQLite format 3\0"
# RFC 5280 section 5.3.1; cfssl stores the number. 7 is not used, 8 takes a certificate off a list.
REASONS = {
    0: "unspecified",
    1: "keyCompromise",
    2: "cACompromise",
    3: "affiliationChanged",
    4: "superseded",
    5: "cessationOfOperation",
    6: "certificateHold",
    9: "privilegeWithdrawn",
    10: "aACompromise",
}
_BY_NAME = {name.lower(): name for name in REASONS.values()}
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d{1,9})? ?(?:(Z|UTC)|([+-]\d\d):?(\d\d))?"
)


class NotACertdb(PkiError):
    """The file is no certdb of cfssl's, or too damaged to be read."""

    code = "not-a-certdb"


@dataclass(frozen=True, kw_only=True, slots=True)
class CertdbRow:
    """One row.

    `reason` is empty while it is good, `revoked_at` None where the file does not say.
    """

    number: int
    facts: CertificateFacts
    reason: str = ""
    revoked_at: dt.datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class UnreadRow:
    """A row that cannot become a certificate, and why."""

    number: int
    serial: str
    sentence: Sentence


def read_certdb(path: Path, *, most: int = MAX_ROWS) -> Iterator[CertdbRow | UnreadRow]:
    """Yield the rows in the file's order, at most so many.

    Raises `NotACertdb`: before the first row where it is none, after the last where it breaks off.
    """
    with path.open("rb") as file:
        if file.read(16) != _SQLITE:
            raise NotACertdb(
                _n(
                    "This is not a SQLite file. cfssl's certdb is the file that data_source names "
                    "in its db-config.json."
                )
            )
    process = subprocess.Popen(  # noqa: S603  # our own interpreter and module; the path is quoted
        [
            sys.executable,
            "-I",
            certdb_child.__file__,
            quote(str(path)),
            str(most + 1),
            str(MAX_SECONDS),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
    )
    # A page that the file system does not give would block outside SQLite's own count of time.
    watch = threading.Timer(MAX_SECONDS + 5, process.kill)
    watch.start()
    try:
        yield from _rows(process, most=most)
    finally:
        watch.cancel()
        with suppress(OSError):
            process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def _rows(process: subprocess.Popen[bytes], *, most: int) -> Iterator[CertdbRow | UnreadRow]:
    assert process.stdout is not None  # noqa: S101  # it was opened with a pipe
    for number, line in enumerate(process.stdout, start=1):
        if number > most:
            raise NotACertdb(_n("There are more than %(limit)d rows in it."), limit=most)
        if line.endswith(b"\n"):
            yield _row(number, json.loads(line))
    code = process.wait()
    if code == certdb_child.NO_TABLE:
        raise NotACertdb(
            _n(
                "There is no table “certificates” with cfssl's columns (serial_number, status, "
                "reason, revoked_at, pem) in this SQLite file."
            )
        )
    if code:
        raise NotACertdb(_n("The SQLite file is damaged, or reading it takes longer than it may."))


def _row(number: int, row: list[str | None]) -> CertdbRow | UnreadRow:
    serial, status, reason, revoked_at, pem = (value or "" for value in row)
    try:
        facts = read_certificate(pem)
        _require_own_serial(facts, told=serial)
        _require_status(status)
    except PkiError as refused:
        return UnreadRow(number=number, serial=serial[:60], sentence=refused.sentence)
    if status != "revoked":
        return CertdbRow(number=number, facts=facts)
    return CertdbRow(
        number=number, facts=facts, reason=reason_of(reason), revoked_at=_time_of(revoked_at)
    )


def _require_own_serial(facts: CertificateFacts, *, told: str) -> None:
    # SQLite makes a rounded number of a decimal that is not quoted; such a row says nothing of it.
    if told.isdecimal() and int(told) != int(facts.serial, 16):
        raise NotACertdb(_n("The serial number of the row is not that of its certificate."))


def _require_status(status: str) -> None:
    if status not in ("good", "revoked", ""):
        raise NotACertdb(
            _n("Its status “%(status)s” is neither good nor revoked."), status=status[:20]
        )


def reason_of(text: str) -> str:
    """Return RFC 5280's name of a reason that stands as number or name; what is unknown is
    "unspecified".
    """
    if text.isdecimal() and len(text) < 4:
        return REASONS.get(int(text), REASONS[0])
    return _BY_NAME.get(text.strip().lower(), REASONS[0])


def _time_of(text: str) -> dt.datetime | None:
    """Read a time as Go's SQLite drivers write it; its zero time (year 1) is none."""
    found = _TIME.match(text)
    if not found:
        return None
    zone = "+00:00" if found[3] or not found[4] else f"{found[4]}:{found[5]}"
    try:
        when = dt.datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}").astimezone(dt.UTC)
    except (ValueError, OverflowError):
        return None
    return when if when.year > 1970 else None
