"""A19, A22, A23: the pods behind an APIService, and what they may do."""

from __future__ import annotations

from aggportal.doctor.availability import behind_of
from aggportal.doctor.bundles import bundle_of
from aggportal.doctor.commands import kubectl
from aggportal.doctor.evidence import Absent, Evidence, Json, Known, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.objects import (
    conditions_of,
    text_at,
)
from aggportal.doctor.rbac import CLUSTER_BINDINGS, CLUSTER_ROLES, Subject, Want, rights_of
from aggportal.doctor.registry import Found, Inapplicable, Outcome, Passed, Unchecked, service_check
from aggportal.doctor.told import certificates_told, say
from aggportal.kube.apiservices import APISERVICES_PATH, APIService
from aggportal.pki.errors import PkiError
from aggportal.pki.reading import read_certificates
from aggportal.words import Sentence
from aggportal.words import gettext_noop as _n

PODS = "/api/v1/namespaces/<namespace>/pods"
SECRETS = "/api/v1/namespaces/<namespace>/secrets/<name>"
_DELEGATOR = (
    Want(verb="create", group="authentication.k8s.io", resource="tokenreviews"),
    Want(verb="create", group="authorization.k8s.io", resource="subjectaccessreviews"),
)
_READER = Want(
    verb="get", group="", resource="configmaps", name="extension-apiserver-authentication"
)
_FLOWS = tuple(
    Want(verb=verb, group="flowcontrol.apiserver.k8s.io", resource=resource)
    for resource in ("flowschemas", "prioritylevelconfigurations")
    for verb in ("list", "watch")
)
_NO_PODS = _n("No pod behind the Service can be seen.")


def pods_behind(evidence: Evidence, each: APIService) -> tuple[Json, ...] | Unread | Unchecked:
    """The pods that the Service selects."""
    _reference, behind = behind_of(evidence, each)
    if isinstance(behind.pods, Unread):
        return behind.pods
    pods = behind.pods.value if isinstance(behind.pods, Known) else ()
    return pods or Unchecked(sentence=say(_NO_PODS))


def comes_through(evidence: Evidence, each: APIService) -> bool:
    """Whether its discovery was answered just now."""
    answer = evidence.discoveries.get(each.name)
    return answer is not None and answer.status == 200


@service_check(
    "A19",
    Severity.WARNING,
    _n("caBundle is what cert-manager wants it to be"),
    reads=[APISERVICES_PATH, SECRETS],
)
def bundle_is_the_injected_one(evidence: Evidence, each: APIService) -> Outcome:
    """The CA in the Secret that an annotation names is in caBundle."""
    if each.name not in evidence.injected:
        return Unchecked(sentence=say(_n("No Secret was asked for, so nothing was compared.")))
    injected = evidence.injected[each.name]
    if not injected.source:
        return Inapplicable(sentence=say(_n("Nothing is said to write its caBundle.")))
    if isinstance(injected.ca_pem, Unread):
        return injected.ca_pem
    remedy = Remedy(
        sentence=say(
            _n("Look why cert-manager's cainjector does not write it, or set caBundle by hand.")
        ),
        command="kubectl --namespace cert-manager logs --selector app=cainjector --tail 50",
        deed=Deed.PATCH_BUNDLE,
    )
    if isinstance(injected.ca_pem, Absent):
        return Found(
            sentence=say(
                _n("The Secret %(source)s, from which caBundle is written, is not there."),
                source=injected.source,
            ),
            remedy=remedy,
        )
    try:
        wanted = read_certificates(injected.ca_pem.value)
    except PkiError as refused:
        return Unchecked(sentence=refused.sentence)
    bundle = bundle_of(each)
    held = {ca.sha256 for ca in bundle} if isinstance(bundle, tuple) else set()
    needed = {ca.sha256 for ca in wanted}
    if held == needed:
        return Passed(evidence=certificates_told(wanted))
    if held > needed and isinstance(bundle, tuple):
        surplus = tuple(ca for ca in bundle if ca.sha256 not in needed)
        return Found(
            sentence=say(
                _n(
                    "caBundle trusts more than the Secret %(source)s holds: %(subjects)s. "
                    "cert-manager would not write that."
                ),
                source=injected.source,
                subjects="; ".join(ca.subject for ca in surplus[:8]),
            ),
            evidence=certificates_told(surplus),
            remedy=remedy,
        )
    return Found(
        sentence=say(
            _n("caBundle is out of date: the Secret %(source)s holds another authority."),
            source=injected.source,
        ),
        evidence=(
            *certificates_told(wanted),
            *(certificates_told(bundle) if isinstance(bundle, tuple) else ()),
        ),
        remedy=remedy,
    )


@service_check(
    "A22",
    Severity.ERROR,
    _n("The backend may ask who somebody is"),
    reads=[PODS, CLUSTER_ROLES, CLUSTER_BINDINGS],
)
def backend_may_delegate(evidence: Evidence, each: APIService) -> Outcome:
    """Its service account holds what both roles for delegated authentication give."""
    accounts, rights = _accounts(evidence, each), rights_of(evidence)
    if not isinstance(accounts, tuple):
        return accounts
    if isinstance(rights, Unread):
        return rights
    for account in accounts:
        roles = []
        if not all(rights.may(account, want) for want in _DELEGATOR):
            roles.append("system:auth-delegator")
        if not rights.may(account, _READER, in_system=True):
            roles.append("extension-apiserver-authentication-reader")
        if roles:
            return Found(
                sentence=say(
                    _n("The backend's account %(account)s lacks %(roles)s."),
                    account=f"{account.namespace}/{account.name}",
                    roles=", ".join(roles),
                ),
                remedy=Remedy(
                    sentence=say(_n("Bind the roles to the account, then restart the backend.")),
                    command="\n".join(_bind(account, role) for role in roles),
                ),
                # It may do its work without, as one that was not built on Kubernetes' library.
                severity=Severity.WARNING if comes_through(evidence, each) else None,
            )
    return Passed(evidence=_told(accounts))


def _bind(account: Subject, role: str) -> str:
    who = f"{account.namespace}:{account.name}"
    name = f"{account.namespace}-{account.name}"
    if role == "system:auth-delegator":
        return kubectl(
            *("create", "clusterrolebinding", f"{name}-auth-delegator", "--clusterrole", role),
            *("--serviceaccount", who),
        )
    return kubectl(
        *("--namespace", "kube-system", "create", "rolebinding", f"{name}-auth-reader"),
        *("--role", role, "--serviceaccount", who),
    )


@service_check(
    "A23",
    Severity.WARNING,
    _n("The backend may read what it waits for"),
    reads=[PODS, CLUSTER_ROLES, CLUSTER_BINDINGS],
)
def backend_may_read_flows(evidence: Evidence, each: APIService) -> Outcome:
    """Servers of Kubernetes' library wait for the objects of priority and fairness at /readyz."""
    accounts, rights = _accounts(evidence, each), rights_of(evidence)
    pods = pods_behind(evidence, each)
    if not isinstance(accounts, tuple):
        return accounts
    if isinstance(rights, Unread):
        return rights
    if not isinstance(pods, tuple):
        return pods
    lacking = {want for a in accounts for want in _FLOWS if not rights.may(a, want)}
    if not lacking:
        return Passed(evidence=_told(accounts))
    if all(_is_ready(pod) for pod in pods):
        return Passed(evidence=(say(_n("It may not, and became ready nevertheless.")),))
    return Found(
        sentence=say(
            _n(
                "The backend is not ready and may not %(wants)s: servers of Kubernetes' library "
                "wait for that at /readyz (informer-sync) for ever."
            ),
            wants=", ".join(sorted(str(want) for want in lacking)),
        ),
        evidence=_told(accounts),
        remedy=Remedy(
            sentence=say(
                _n("Let the account list and watch both kinds of flowcontrol.apiserver.k8s.io.")
            ),
            command="\n".join((_FLOW_ROLE, *(_bind_flows(each) for each in accounts))),
        ),
    )


_FLOW_ROLE = (
    "kubectl create clusterrole flowcontrol-reader --verb list,watch --resource "
    "flowschemas.flowcontrol.apiserver.k8s.io,"
    "prioritylevelconfigurations.flowcontrol.apiserver.k8s.io"
)


def _bind_flows(account: Subject) -> str:
    return kubectl(
        *("create", "clusterrolebinding", f"{account.namespace}-{account.name}-flowcontrol"),
        *("--clusterrole", "flowcontrol-reader"),
        *("--serviceaccount", f"{account.namespace}:{account.name}"),
    )


def _accounts(evidence: Evidence, each: APIService) -> tuple[Subject, ...] | Unread | Unchecked:
    pods = pods_behind(evidence, each)
    if not isinstance(pods, tuple):
        return pods
    reference, _behind = behind_of(evidence, each)
    names = {text_at(pod, "spec", "serviceAccountName") or "default" for pod in pods}
    return tuple(
        Subject(kind="ServiceAccount", namespace=reference.namespace, name=name)
        for name in sorted(names)
    )


def _told(accounts: tuple[Subject, ...]) -> tuple[Sentence, ...]:
    return tuple(say("%(account)s", account=str(account)) for account in accounts)


def _is_ready(pod: Json) -> bool:
    return conditions_of(pod).get("Ready", {}).get("status") == "True"
