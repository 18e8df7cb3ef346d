"""What a scan means, in words: the versions spoken, and the client certificate asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aggportal.tls.findings import Finding, Level, found
from aggportal.tls.handshakes import Handshake, Version, WithoutCertificate
from aggportal.tls.scanning import Scan
from aggportal.words import gettext_noop as _n


def version_findings(scan: Scan) -> Iterator[Finding]:
    """Judge the versions that were found out."""
    spoken = [trial.version for trial in scan.trials if trial.spoken]
    outdated = [version for version in spoken if version.is_outdated]
    modern = [version for version in spoken if not version.is_outdated]
    if modern:
        yield found(Level.OK, _n("It speaks %(versions)s."), versions=", ".join(modern))
    else:
        text = _n("It speaks neither TLS 1.2 nor TLS 1.3; Kubernetes and browsers refuse that.")
        yield found(Level.BAD, text)
    if outdated:
        text = _n(
            "It still speaks %(versions)s, outdated since 2021 (RFC 8996). Go servers refuse them "
            "unless told otherwise; set --tls-min-version=VersionTLS12 or its like."
        )
        yield found(Level.WARN, text, versions=", ".join(outdated))
    if scan.intolerant:
        text = _n("It refuses a client that offers all versions at once; such clients fail.")
        yield found(Level.WARN, text)


def asked_findings(scan: Scan) -> Iterator[Finding]:
    """Say whether a client certificate is asked for, and what comes of showing none."""
    handshake = scan.handshake
    if not handshake.asked:
        yield found(
            Level.KNOW,
            _n(
                "It asks for no client certificate. An extension API server that does not ask "
                "cannot believe kube-apiserver about who a person is: the X-Remote-User headers "
                "count only together with a certificate of the front-proxy CA "
                "(requestheader-client-ca-file)."
            ),
        )
    else:
        yield _bare_finding(handshake)
    yield from _disagreement(scan)


def _bare_finding(handshake: Handshake) -> Finding:
    if handshake.without is WithoutCertificate.TURNED_AWAY:
        text = _n(
            "It asks for a client certificate and ends the connection without one: nobody gets in "
            "who has none, health probes and browsers included."
        )
        return found(Level.KNOW, text)
    text = _n(
        "It asks for a client certificate, and lets in who has none (by TLS; it may still refuse "
        "requests). That is how kube-apiserver and extension API servers do it."
    )
    return found(Level.OK, text)


def _disagreement(scan: Scan) -> Iterator[Finding]:
    """Some servers ask in one version only, or later, once a request was made."""
    asking = {t.version: t.handshake.asked for t in scan.trials if t.handshake is not None}
    if len(set(asking.values())) > 1:
        versions = ", ".join(version for version, asked in asking.items() if asked)
        text = _n("It asks for a client certificate in %(versions)s only.")
        yield found(Level.WARN, text, versions=versions)


def requestheader_finding(
    handshake: Handshake, *, ours: Sequence[str], held: bool
) -> Finding | None:
    """Say in Kubernetes words what the CAs asked for mean. `ours` are those of our front-proxy
    authorities among them; `held`: we hold a front-proxy authority at all.
    """
    if not handshake.asked:
        return None
    if ours:
        text = _n(
            "It asks for certificates of our front-proxy authority %(names)s: kube-apiserver can "
            "tell it who a person is, as long as the allowed names fit. What is compared is the "
            "authority's name; whether it holds the same key, only a connection would show."
        )
        return found(Level.OK, text, names=", ".join(f"“{name}”" for name in ours))
    if not handshake.acceptable:
        text = _n(
            "It does not say of which CAs. Whether it believes the front-proxy CA cannot be seen "
            "from outside."
        )
        return found(Level.KNOW, text)
    if held:
        text = _n(
            "None of our front-proxy authorities is among the CAs that it asks for. If it is an "
            "extension API server, it will take nobody's identity from kube-apiserver with a "
            "certificate of ours: give it the front-proxy CA (requestheader-client-ca-file)."
        )
        return found(Level.WARN, text)
    text = _n("None of the CAs that it asks for is a front-proxy authority of ours.")
    return found(Level.KNOW, text)


SCHEME_OF_KEY = {
    "ECDSA P-256": "ecdsa_secp256r1_sha256",
    "ECDSA P-384": "ecdsa_secp384r1_sha384",
    "ECDSA P-521": "ecdsa_secp521r1_sha512",
    "Ed25519": "ed25519",
    "Ed448": "ed448",
}


def scheme_text(handshake: Handshake, *, key: str) -> str:
    """Name what the server signed the handshake with; `key` is its certificate's, as in
    "ECDSA P-256". Empty where nothing was signed (RSA key transport).

    In TLS 1.3 the signature is encrypted, but the key decides the scheme (RFC 8446 section 4.2.3),
    save for the digest with RSA.
    """
    if handshake.version is not Version.TLS_1_3:
        return handshake.exchange.scheme
    return SCHEME_OF_KEY.get(key, "rsa_pss" if key.startswith("RSA") else key)
