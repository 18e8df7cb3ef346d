"""A09 to A11, A20, A21: what a client gets through the aggregator, and as whom it arrives."""

from __future__ import annotations

import datetime as dt
import json
import re

from aggportal.doctor.commands import logs_of, of_apiservice, of_service, raw
from aggportal.doctor.evidence import Absent, Discovery, Evidence, Listed, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.mending import mend, service_of
from aggportal.doctor.objects import list_at
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, Unchecked, service_check
from aggportal.doctor.serving import who_signed
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService
from aggportal.kube.causes import classify
from aggportal.kube.permissions import AccessRule
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

DISCOVERY = "/apis/<group>/<version>"
DISCOVERY_PATH = "/apis/%s/%s"
# kube-apiserver enters a new one about a minute later.
ENTERED_WITHIN = dt.timedelta(minutes=2)
SLOW_MS, TOO_SLOW_MS = 1000, 5000
_USER = re.compile(r'User "((?:[^"\\]|\\.)*)" cannot')
_NOT_ASKED = _n("The group was not asked for its discovery.")


@service_check("A09", Severity.ERROR, _n("Requests reach the backend"), reads=[DISCOVERY])
def requests_reach_the_backend(evidence: Evidence, each: APIService) -> Outcome:
    """The proxied discovery answers 200 with the group version's own document."""
    answer = evidence.discoveries.get(each.name)
    if answer is None:
        return Unchecked(sentence=say(_NOT_ASKED))
    if answer.status is None:
        return Unread(path=answer.path, why=answer.trouble or say(_NOT_ASKED))
    told: tuple[Sentence, ...] = (
        say("HTTP %(status)d: %(body)s", status=answer.status, body=answer.body[:600]),
    )
    if answer.status == 403 and _seen_user(answer.body) == _ours(evidence) != "":
        rule = AccessRule(verb="get", path=answer.path)
        return Unread(path=answer.path, why=say(_n("This account may not ask it.")), rule=rule)
    if answer.status != 200:
        # The condition may say True nevertheless: up to 1.35 it looks at no certificate.
        cause = classify(answer.body)
        sentence = cause.sentence if cause.code != "other" else _refused(answer)
        if cause.code == "ca-mismatch" and (signed := who_signed(evidence, each)):
            told = (signed, *told)
        # Where requests are not even passed on, the condition says why.
        behind = each.availability.cause if cause.code == "condition" else cause
        return Found(sentence=sentence, evidence=told, remedy=mend(evidence, each, behind))
    return _document_fits(each, answer, told)


def _document_fits(each: APIService, answer: Discovery, told: tuple[Sentence, ...]) -> Outcome:
    """200 with the list of resources of this group version."""
    found = answer.document or {}
    if found.get("kind") != "APIResourceList":
        return Found(
            sentence=say(_n("The backend answers 200, but not with the resources of an API.")),
            evidence=told,
            remedy=Remedy(
                sentence=say(_n("Let the Service lead to the extension API server.")),
                command=of_service(each),
            ),
        )
    if found.get("groupVersion") != each.group_version:
        return Found(
            sentence=say(
                _n("The backend says that it serves %(served)s instead of %(wanted)s."),
                served=str(found.get("groupVersion"))[:200],
                wanted=each.group_version,
            ),
            evidence=told,
            remedy=Remedy(
                sentence=say(_n("Compare group and version with those of the backend.")),
                command=of_apiservice(each),
            ),
        )
    return Passed(evidence=(say("%(ms)d ms", ms=answer.milliseconds),))


@service_check("A10", Severity.ERROR, _n("Discovery is quick"), reads=[DISCOVERY])
def discovery_is_quick(evidence: Evidence, each: APIService) -> Outcome:
    """Under a second is well; from five on every kubectl and every controller gives up on it."""
    answer = evidence.discoveries.get(each.name)
    if answer is None:
        return Unchecked(sentence=say(_NOT_ASKED))
    if answer.milliseconds < SLOW_MS and answer.status != 200:
        # A quick refusal is no quick discovery.
        why = say(_n("Its discovery was not answered."))
        return Unread(path=answer.path, why=answer.trouble or why)
    if answer.milliseconds < SLOW_MS:
        return Passed(evidence=(say("%(ms)d ms", ms=answer.milliseconds),))
    return Found(
        sentence=say(
            _n(
                "Its discovery takes %(ms)d ms. kubectl, garbage collection and namespace deletion "
                "ask every group and wait for the slowest."
            ),
            ms=answer.milliseconds,
        ),
        remedy=Remedy(
            sentence=say(_n("Look at the load of the backend and the network to it.")),
            command=logs_of(each, service_of(evidence, each)),
        ),
        severity=Severity.WARNING if answer.milliseconds < TOO_SLOW_MS else None,
    )


@service_check(
    "A11",
    Severity.CRITICAL,
    _n("Users arrive as themselves"),
    reads=["/apis/<group>/<version>/<resource>?limit=1"],
)
def users_arrive_as_themselves(evidence: Evidence, each: APIService) -> Outcome:
    """A list succeeds, or is refused to our own name and nobody else's."""
    answer = evidence.lists.get(each.name)
    if answer is None or answer.status is None:
        return Unchecked(sentence=say(_n("No resource of it could be listed to see.")))
    if answer.status == 200:
        return Passed()
    if answer.status == 401:
        return Found(
            sentence=say(_n("The backend does not accept the proxy client certificate (401).")),
            evidence=(_answered(answer),),
            remedy=Remedy(
                sentence=say(
                    _n(
                        "Check that it is signed by the front-proxy CA, has client auth, is not "
                        "expired, and that its CN is among the allowed names."
                    )
                ),
                deed=Deed.ISSUE_PROXY,
            ),
        )
    return _refused_to(evidence, answer)


def _refused_to(evidence: Evidence, answer: Listed) -> Outcome:
    """Whom a refusal names: the user that the backend saw, or kube-apiserver itself."""
    seen = _seen_user(answer.body)
    if answer.status != 403 or not seen:
        return Unchecked(
            sentence=say(
                _n("The answer does not tell whom the backend saw (HTTP %(status)d)."),
                status=answer.status,
            )
        )
    ours = _ours(evidence)
    if not ours:
        return Unchecked(
            sentence=say(
                _n("The backend saw %(user)s; this API server does not tell who we are."),
                user=seen,
            )
        )
    if seen == ours and answer.may_ask:
        return Passed(evidence=(_answered(answer),))
    if seen == ours:
        # kube-apiserver refuses in the same words before anything is passed on.
        why = say(_n("This account may not list it, so nothing reached the backend."))
        return Unread(path=answer.path, why=why, rule=answer.rule)
    return Found(
        sentence=say(
            _n(
                "Requests of %(ours)s reach the backend as %(seen)s: users lose their identity, "
                "though the APIService is shown as available."
            ),
            ours=ours,
            seen=seen,
        ),
        evidence=(_answered(answer),),
        remedy=Remedy(
            sentence=say(
                _n(
                    "The proxy client certificate is signed by a CA that the backend takes for the "
                    "client CA, or is not presented. Issue one from the front-proxy authority."
                )
            ),
            deed=Deed.ISSUE_PROXY,
        ),
    )


@service_check("A20", Severity.ERROR, _n("Its discovery is current"), reads=["/apis"])
def discovery_is_current(evidence: Evidence, each: APIService) -> Outcome:
    """Aggregated discovery holds it and calls it `Current`, not `Stale` (from 1.26)."""
    if isinstance(evidence.freshness, Unread):
        return evidence.freshness
    if isinstance(evidence.freshness, Absent):
        return Inapplicable(sentence=say(_n("Aggregated discovery came with Kubernetes 1.26.")))
    freshness = evidence.freshness.value.get(each.group_version)
    if freshness == "Current":
        return Passed()
    if freshness not in {"Stale", None}:
        return Unchecked(sentence=say(_n("Aggregated discovery does not say how current it is.")))
    since = _stale_since(evidence, each)
    young = each.created is not None and evidence.now - each.created <= ENTERED_WITHIN
    if freshness is None and young:
        return Unchecked(sentence=say(_n("It was registered just now and is not entered yet.")))
    stale = _n(
        "Its discovery is stale since %(since)s UTC at the latest: clients get what the backend "
        "said before."
    )
    absent = _n(
        "Aggregated discovery does not hold it, since %(since)s UTC at the latest: kubectl and "
        "other clients do not know its resources."
    )
    return Found(
        sentence=say(stale if freshness else absent, since=f"{since:%Y-%m-%d %H:%M}"),
        remedy=Remedy(
            sentence=say(_n("Mend why the backend cannot be asked; see the others.")),
            command=raw(DISCOVERY_PATH % (each.group, each.version)),
        ),
    )


def _stale_since(evidence: Evidence, each: APIService) -> dt.datetime:
    """kube-apiserver does not tell: when it became unavailable, or when it was first seen stale."""
    known = [evidence.now]
    if (seen := evidence.stale_since.get(each.name)) is not None:
        known.append(seen)
    if each.availability.status != "True" and each.availability.since is not None:
        known.append(each.availability.since)
    return min(known)


@service_check("A21", Severity.WARNING, _n("It serves something"), reads=[DISCOVERY])
def serves_something(evidence: Evidence, each: APIService) -> Outcome:
    """The group version lists at least one resource."""
    answer = evidence.discoveries.get(each.name)
    if answer is None or answer.status != 200 or answer.document is None:
        return Unchecked(sentence=say(_n("Its discovery could not be read.")))
    count = len(list_at(answer.document, "resources"))
    if count:
        return Passed(evidence=(say("%(count)d", count=count),))
    return Found(
        sentence=say(_n("It serves no resource at all.")),
        remedy=Remedy(
            sentence=say(_n("Look whether the backend was started with its API on.")),
            command=logs_of(each, service_of(evidence, each)),
        ),
    )


def _answered(answer: Listed) -> Sentence:
    return say("HTTP %(status)d: %(body)s", status=answer.status or 0, body=answer.body[:600])


def _ours(evidence: Evidence) -> str:
    return evidence.identity.username if evidence.identity else ""


def _seen_user(body: str) -> str:
    """Whom a refusal names; empty where it names nobody."""
    found = _USER.search(_message(body))
    return found.group(1) if found else ""


def _refused(answer: Discovery) -> Sentence:
    return say(_n("The request does not come through: HTTP %(status)d."), status=answer.status)


def _message(body: str) -> str:
    """The text of a Kubernetes Status, or the body as it is."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body
    message = found.get("message") if isinstance(found, dict) else None
    return message if isinstance(message, str) else body
