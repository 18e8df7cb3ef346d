"""What programs make of the server's certificate: its names, dates, uses and signatures.

The rules are those of Go and OpenSSL, which Kubernetes and most clients are built with.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from aggportal.pki.covering import covers
from aggportal.pki.facts import CertificateFacts
from aggportal.tls.findings import Finding, Level, found
from aggportal.tls.targets import is_address
from aggportal.words import gettext_noop as _n

SOON = dt.timedelta(days=30)
_LISTED = 5


def certificate_findings(
    path: Sequence[CertificateFacts], *, name: str, now: dt.datetime
) -> Iterator[Finding]:
    """Judge the chain from the server's own certificate upwards, for a client that wants `name`."""
    if path:
        yield name_finding(path[0], name)
        yield date_finding(path[0], now=now)
        yield from key_findings(path)


def name_finding(facts: CertificateFacts, name: str) -> Finding:
    """Tell whether the certificate holds for `name`: RFC 6125 and 9525, wildcards for one whole
    label; an IP address only as an IP address.
    """
    if is_address(name):
        return _address_finding(facts, name)
    names = facts.names("dns")
    pattern = next((each for each in names if covers(each, name)), None)
    if pattern == name:
        return found(Level.OK, _n("It holds for %(name)s."), name=name)
    if pattern is not None:
        text = _n("It holds for %(name)s: %(pattern)s covers it.")
        return found(Level.OK, text, name=name, pattern=pattern)
    return found(Level.BAD, _why_not(facts, names, name), name=name, **_told(facts, names))


def _why_not(facts: CertificateFacts, names: Sequence[str], name: str) -> str:
    """Say why a DNS name is not covered, as precisely as one can."""
    if not facts.sans and facts.common_name.lower() == name:
        return _n(
            "It does not hold for %(name)s: the name stands in the CN alone, where programs no "
            "longer look. Issue it anew with the name among its hosts (SAN)."
        )
    if not facts.sans:
        return _n("It does not hold for %(name)s: it names no host at all (no SAN).")
    if any(each.startswith("*.") and name.endswith(each[1:].lower()) for each in names):
        return _n(
            "It does not hold for %(name)s: it is for %(names)s, and * stands for one label only."
        )
    if not names:
        return _n("It does not hold for %(name)s: it names %(names)s, and no DNS name.")
    return _n("It does not hold for %(name)s: it is for %(names)s.")


def _address_finding(facts: CertificateFacts, address: str) -> Finding:
    if address in facts.names("ip"):
        return found(Level.OK, _n("It holds for %(name)s."), name=address)
    if address in facts.names("dns"):
        text = _n(
            "It does not hold for %(name)s: the address stands there as a DNS name, where programs "
            "do not look for addresses. Issue it anew with an IP address as SAN."
        )
        return found(Level.BAD, text, name=address)
    text = _n(
        "It does not hold for the address %(name)s: it is for %(names)s. Check a name instead if "
        "clients connect by name."
    )
    told = _told(facts, [value for _, value in facts.sans])
    return found(Level.BAD, text, name=address, **told)


def _told(facts: CertificateFacts, names: Sequence[str]) -> dict[str, object]:
    listed = list(names or [value for _, value in facts.sans]) or [facts.common_name or "?"]
    more = ", …" if len(listed) > _LISTED else ""
    return {"names": ", ".join(listed[:_LISTED]) + more}


def date_finding(own: CertificateFacts, *, now: dt.datetime) -> Finding:
    """Judge the dates of the server's certificate."""
    left = (own.not_after - now).days
    when = f"{own.not_after:%Y-%m-%d %H:%M} UTC"
    if now < own.not_before:
        text = _n("It is not valid before %(when)s; check the clocks of both sides.")
        return found(Level.BAD, text, when=f"{own.not_before:%Y-%m-%d %H:%M} UTC")
    if now > own.not_after:
        text = _n("It expired %(days)d days ago, on %(when)s.")
        return found(Level.BAD, text, days=-left - 1, when=when)
    if own.not_after - now < SOON:
        text = _n("It expires in %(days)d days, on %(when)s.")
        return found(Level.WARN, text, days=left, when=when)
    return found(Level.OK, _n("It is valid for %(days)d more days."), days=left)


def key_findings(path: Sequence[CertificateFacts]) -> Iterator[Finding]:
    """Judge what every program looks at, whomever it trusts: an authority's key, old signatures."""
    if path[0].is_ca:
        text = _n("It is an authority's certificate: its key signs others and should not serve.")
        yield found(Level.WARN, text)
    for each in path:
        if not each.self_signed and ("SHA-1" in each.signature or "MD5" in each.signature):
            text = _n("“%(subject)s” is signed with %(signature)s, which programs refuse.")
            yield found(Level.BAD, text, subject=each.subject, signature=each.signature)
