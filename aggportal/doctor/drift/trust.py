"""The published trust against our front-proxy authority, key by key of the ConfigMap."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aggportal.doctor.authconfig import AuthConfig, parse_auth_config
from aggportal.doctor.drift.ours import Ours, authorities_told, differences
from aggportal.doctor.drift.rows import Judged, Kind, Row, Stand, judged, unknown, unmanaged
from aggportal.doctor.evidence import Evidence, Json, Known, Unread
from aggportal.doctor.findings import Deed, Remedy
from aggportal.doctor.objects import mapping_at
from aggportal.doctor.told import certificates_told, say
from aggportal.kube.flags.front_proxy import (
    EXTRA_PREFIX,
    GROUP_HEADER,
    USERNAME_HEADER,
    comma_separated,
)
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

CA_KEY = "requestheader-client-ca-file"
NAMES_KEY = "requestheader-allowed-names"
# Key of the ConfigMap, attribute of AuthConfig, what we render.
_HEADERS = (
    ("requestheader-username-headers", "username_headers", USERNAME_HEADER),
    ("requestheader-group-headers", "group_headers", GROUP_HEADER),
    ("requestheader-extra-headers-prefix", "extra_prefixes", EXTRA_PREFIX),
)
_WHAT = say(_n("Whom extension API servers believe (extension-apiserver-authentication)"))
_NOBODY = say(
    _n(
        "No authority of this portal is known to be the cluster's front-proxy CA. Choose it in the "
        "settings."
    )
)
_FORGET = "kubectl --namespace kube-system delete configmap extension-apiserver-authentication"


def trust_rows(evidence: Evidence, ours: Ours) -> Iterator[Row]:
    """One row for each key that our flags fill."""
    data = _data(evidence)
    yield _ca_row(data, ours)
    yield _names_row(data, ours)
    for key, attribute, header in _HEADERS:
        told = (say("%(header)s", header=header),) if ours.front_proxy else ()
        live, config = _live(data, key)
        values = getattr(config, attribute)
        lower = {value.lower() for value in values}
        wrong = [] if header.lower() in lower else [_missing(header)]
        wrong += [_extra(value) for value in values if value.lower() != header.lower()]
        verdict = live or judged((*wrong,)) if ours.front_proxy else unmanaged(_NOBODY)
        yield _row(key, verdict, ours=told, live=_texts(values), remedy=_flag(key, header))


def _ca_row(data: Json | Unread, ours: Ours) -> Row:
    live, config = _live(data, CA_KEY)
    cas = config.requestheader_cas
    wrong = differences(cas, required=ours.front_proxy[:1], known=ours.front_proxy)
    lacking = differences(cas, required=ours.front_proxy[:1], known=()) if wrong else ()
    verdict = live or judged(wrong) if ours.front_proxy else unmanaged(_NOBODY)
    missing = not cas or any("missing" in each.text for each in lacking)
    return _row(
        CA_KEY,
        verdict,
        ours=authorities_told(ours.front_proxy),
        live=certificates_told(cas),
        remedy=_INSTALL if missing else _TAKE_AWAY,
    )


def _names_row(data: Json | Unread, ours: Ours) -> Row:
    live, config = _live(data, NAMES_KEY)
    found, wanted = config.allowed_names, ours.allowed_names
    wrong: list[Sentence] = []
    if isinstance(data, Mapping) and not found:
        wrong.append(say(_n("It is empty: every certificate of that CA can act as anybody.")))
    wrong += [_missing(name) for name in wanted if name not in found]
    wrong += [_extra(name) for name in found if name not in wanted]
    verdict = live or judged(tuple(wrong))
    if not ours.front_proxy:
        verdict = unmanaged(_NOBODY)
    elif not wanted:
        verdict = unmanaged(
            say(
                _n(
                    "The authority names nobody who may act as front proxy, and has issued no "
                    "proxy client certificate."
                )
            )
        )
    return _row(
        NAMES_KEY,
        verdict,
        ours=_texts(wanted),
        live=_texts(found),
        remedy=_flag(NAMES_KEY, comma_separated(wanted)),
    )


def _data(evidence: Evidence) -> Json | Unread:
    """The ConfigMap's data; empty where there is no such ConfigMap."""
    if isinstance(evidence.trust, Unread):
        return evidence.trust
    document = evidence.trust.value if isinstance(evidence.trust, Known) else {}
    return mapping_at(document, "data")


def _live(data: Json | Unread, key: str) -> tuple[Judged | None, AuthConfig]:
    """What stands under one key; and a verdict where that settles it."""
    if isinstance(data, Unread):
        return unknown(data), AuthConfig()
    if not data.get(key):
        return judged((say(_n("No kube-apiserver publishes it.")),)), AuthConfig()
    config = parse_auth_config({"data": {key: data[key]}})
    return (judged(config.odd) if config.odd else None), config


def _row(
    key: str,
    verdict: Judged,
    *,
    ours: tuple[Sentence, ...],
    live: tuple[Sentence, ...],
    remedy: Remedy,
) -> Row:
    return Row(
        kind=Kind.TRUST,
        stand=verdict.stand,
        what=_WHAT,
        place=key,
        ours=ours,
        live=live,
        said=verdict.said,
        rule=verdict.rule,
        remedy=remedy if verdict.stand is Stand.DIFFERS else None,
    )


def _texts(values: tuple[str, ...]) -> tuple[Sentence, ...]:
    return tuple(say("%(value)s", value=value) for value in values[:20])


def _missing(value: str) -> Sentence:
    return say(_n("%(value)s is missing."), value=value)


def _extra(value: str) -> Sentence:
    return say(_n("%(value)s is there too, and is not ours."), value=value)


def _flag(key: str, value: str) -> Remedy:
    return Remedy(
        sentence=say(
            _n(
                "Give every kube-apiserver this flag and restart it. What it no longer names stays "
                "in the ConfigMap until that is deleted; it comes back within seconds."
            )
        ),
        command=f"--{key}={value}\n{_FORGET}",
        deed=Deed.FLAGS,
    )


_INSTALL = Remedy(
    sentence=say(
        _n(
            "Put our front-proxy authority's certificate behind --requestheader-client-ca-file of "
            "every kube-apiserver, beside the present one while clients still use that."
        )
    ),
    deed=Deed.FLAGS,
)
_TAKE_AWAY = Remedy(
    sentence=say(
        _n(
            "Take what is not ours out of the file behind --requestheader-client-ca-file on every "
            "master. If no kube-apiserver names it any longer, delete the ConfigMap: it comes back "
            "within seconds with what the flags say."
        )
    ),
    command=_FORGET,
    deed=Deed.ROTATE,
)
