"""What proves a step: whom the cluster trusts, and that requests pass as those who sent them."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aggportal.clusters.models import Rotation, RotationStep, StepState
from aggportal.clusters.rotation.steps import Ask, Look, Proof
from aggportal.doctor.authconfig import CONFIG_MAP, AuthConfig, parse_auth_config
from aggportal.doctor.evidence import NOT_ASKED, Discovery, Evidence, Json, Known, Listed
from aggportal.doctor.examining import CHECKS
from aggportal.doctor.findings import Result, Verdict
from aggportal.doctor.gathering import Looker
from aggportal.doctor.objects import name_of
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APIService, parse_apiservice
from aggportal.kube.errors import NotFound, PermissionDenied
from aggportal.kube.permissions import AccessRule
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

READ_TRUST = AccessRule(verb="get", resource="configmaps")
# kube-apiserver takes up new files at once from 1.23 (fsnotify), before that once a minute.
NOTICES_SINCE = 23
POLL, NOTICED = dt.timedelta(seconds=65), dt.timedelta(seconds=10)
_MOST_TOLD = 12
_PAST = (StepState.PROVEN, StepState.OVERRIDDEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trust:
    """The ConfigMap as it is now: `document` None where there is none at the moment."""

    document: Json | None = None
    config: AuthConfig = field(default_factory=AuthConfig)

    @property
    def uid(self) -> str:
        metadata = (self.document or {}).get("metadata")
        uid = metadata.get("uid") if isinstance(metadata, dict) else ""
        return uid if isinstance(uid, str) else ""

    @property
    def digests(self) -> frozenset[str]:
        """SHA-256 of each front-proxy CA's DER."""
        return frozenset(ca.sha256 for ca in self.config.requestheader_cas)


def read_trust(look: Look) -> Trust:
    """Read whom extension API servers trust. Raises KubeError."""
    try:
        document = look.client.get_json(CONFIG_MAP)
    except NotFound:
        return Trust()
    return Trust(document=document, config=parse_auth_config(document))


def unreadable_trust(error: PermissionDenied) -> Proof:
    """The proof where the account may not read the ConfigMap."""
    return Proof(ok=False, missing=(error.sentence,), rules=(READ_TRUST,))


def facts_in(pem: str) -> tuple[CertificateFacts, ...]:
    """The certificates of `pem`, none where they cannot be read."""
    try:
        return read_certificates(pem) if pem.strip() else ()
    except PkiError:
        return ()


def told_ca(template: str, ca: CertificateFacts) -> Sentence:
    """`template` with %(subject)s and %(digest)s of a CA."""
    return say(template, subject=ca.subject, digest=ca.sha256)


def past_step(rotation: Rotation, key: str) -> RotationStep | None:
    """The last time that the step `key` was gone past, None where it was not."""
    return rotation.steps.filter(key=key, state__in=_PAST).order_by("-pk").first()


def asks_for_masters(
    look: Look, text: str, everywhere: str, extra: Iterable[Ask] = ()
) -> tuple[Ask, ...]:
    """One box for each node of the control plane: `text` has %(node)s. Where the nodes are not to
    be seen one box for all, `everywhere`.
    """
    nodes = Looker(client=look.client).control_nodes()
    names = [name_of(node) for node in nodes.value] if isinstance(nodes, Known) else []
    if not names:
        return (Ask(key="masters", sentence=say(everywhere)), *extra)
    each = (Ask(key=_key_of(name), sentence=say(text, node=name)) for name in sorted(names))
    return (*each, *extra)


def _key_of(node: str) -> str:
    """A word for a node that a form may hold: names come from somebody else's server."""
    return f"node-{hashlib.sha256(node.encode('utf-8', 'replace')).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Passing:
    """Whether requests pass through the aggregator. `failing` names the APIServices where they do
    not; `minor` is Kubernetes' 1.<minor>.
    """

    ok: bool
    seen: tuple[Sentence, ...]
    missing: tuple[Sentence, ...]
    rules: tuple[AccessRule, ...]
    failing: tuple[str, ...]
    minor: int | None


def requests_pass(look: Look, *, failing_before: Sequence[str] = ()) -> Passing:
    """Ask every aggregated API for its discovery and for a list, as the doctor does (A09, A11).

    Those that failed before the rotation began prove nothing, and hinder nothing. Raises KubeError
    where the APIServices cannot be listed.
    """
    looker = Looker(client=look.client)
    every = (parse_apiservice(raw) for raw in looker.apiservices())
    aggregated = tuple(each for each in every if not each.is_local)
    evidence = _evidence(looker, aggregated, now=look.now)
    reach = {each.subject: each for each in CHECKS["A09"].run(evidence)}
    arrive = {each.subject: each for each in CHECKS["A11"].run(evidence)}
    judged = [_judge(each.name, reach[each.name], arrive[each.name]) for each in aggregated]
    return _sum_up(judged, failing_before=failing_before, minor=evidence.minor)


def settled(since: dt.datetime | None, passing: Passing, *, now: dt.datetime) -> Sentence | None:
    """What is still to wait for until every kube-apiserver has read new files; None: nothing."""
    notices = passing.minor is not None and passing.minor >= NOTICES_SINCE
    wait = NOTICED if notices else POLL
    if since is None or since > now or now - since >= wait:
        return None
    left = round((since + wait - now).total_seconds())
    if notices:
        return say(_n("kube-apiserver takes up new files at once: %(left)d s more."), left=left)
    return say(
        _n("kube-apiserver before 1.23 reads its files once a minute: %(left)d s more to wait."),
        left=left,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Judged:
    name: str
    reaches: bool
    arrives: bool
    fault: Sentence | None = None
    rule: AccessRule | None = None


def _judge(name: str, reach: Result, arrive: Result) -> _Judged:
    found = next((each for each in (reach, arrive) if each.verdict == Verdict.FOUND), None)
    unknown = reach.sentence if reach.verdict != Verdict.PASSED else None
    return _Judged(
        name=name,
        reaches=reach.verdict == Verdict.PASSED,
        arrives=arrive.verdict == Verdict.PASSED,
        fault=found.sentence if found else unknown,
        rule=reach.rule or arrive.rule,
    )


def _sum_up(
    judged: Sequence[_Judged], *, failing_before: Sequence[str], minor: int | None
) -> Passing:
    counting = [each for each in judged if each.name not in failing_before]
    failing = [each for each in counting if each.fault is not None]
    well = [each for each in counting if each.fault is None]
    as_themselves = [each for each in well if each.arrives]
    missing = [_failing(each) for each in failing[:_MOST_TOLD]]
    if not as_themselves:
        missing.append(say(_NOBODY_ARRIVES if judged else _NO_API))
    return Passing(
        ok=bool(as_themselves) and not failing,
        seen=(
            *(_well(each) for each in well[:_MOST_TOLD]),
            *_further(len(well)),
            *(say(_BEFORE, name=e.name) for e in judged if e.name in failing_before),
        ),
        missing=tuple(missing),
        rules=() if as_themselves else tuple({each.rule for each in well if each.rule is not None}),
        failing=tuple(each.name for each in judged if each.fault is not None),
        minor=minor,
    )


_NOBODY_ARRIVES = _n(
    "No aggregated API showed that users arrive as themselves: none could be listed from here. Let "
    "the portal's account list a resource of one."
)
_NO_API = _n("There is no aggregated API in this cluster that could be asked.")
_BEFORE = _n("%(name)s failed before this rotation and says nothing of it.")


def _failing(each: _Judged) -> Sentence:
    return say(_n("%(name)s: %(fault)s"), name=each.name, fault=each.fault)


def _well(each: _Judged) -> Sentence:
    if each.arrives:
        return say(_n("%(name)s answers, and we arrive as ourselves."), name=each.name)
    return say(_n("%(name)s answers."), name=each.name)


def _further(count: int) -> tuple[Sentence, ...]:
    if count <= _MOST_TOLD:
        return ()
    return (say(_n("%(count)d further ones answer as well."), count=count - _MOST_TOLD),)


def _evidence(looker: Looker, aggregated: tuple[APIService, ...], *, now: dt.datetime) -> Evidence:
    discoveries: dict[str, Discovery] = dict(
        zip(
            (each.name for each in aggregated),
            looker.each(looker.discovery, aggregated),
            strict=True,
        )
    )
    asked = [each for each in aggregated if discoveries[each.name].document]
    answers = looker.each(lambda each: looker.listed(each, discoveries[each.name]), asked)
    lists: dict[str, Listed] = {
        each.name: answer for each, answer in zip(asked, answers, strict=True) if answer is not None
    }
    version = looker.version()
    digits = re.match(r"\d+", version.minor) if version else None
    return Evidence(
        now=now,
        minor=int(digits.group()) if digits else None,
        identity=looker.identity(),
        trust=NOT_ASKED,
        apiservices=aggregated,
        services={},
        discoveries=discoveries,
        lists=lists,
        namespaces=NOT_ASKED,
        autoscalers=NOT_ASKED,
        crds=NOT_ASKED,
        server_pods=NOT_ASKED,
        delegator=NOT_ASKED,
        auth_reader=NOT_ASKED,
        cluster_bindings=NOT_ASKED,
        reader_bindings=NOT_ASKED,
        freshness=NOT_ASKED,
    )
