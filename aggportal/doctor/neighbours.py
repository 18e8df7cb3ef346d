"""A26 to A28: APIServices that stand in the way of others."""

from __future__ import annotations

from aggportal.doctor.commands import kubectl, of_apiservice, patch_apiservice, raw
from aggportal.doctor.evidence import Discovery, Evidence, Known, Unread
from aggportal.doctor.findings import Deed, Remedy, Severity
from aggportal.doctor.objects import list_at, text_at
from aggportal.doctor.registry import Found, Outcome, Passed, Unchecked, service_check
from aggportal.doctor.told import say
from aggportal.kube.apiservices import APISERVICES_PATH, APIService
from aggportal.kube.permissions import AccessRule
from aggportal.words import gettext_noop as _n

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
LOWEST_BUILT_IN = 15000
_BUILT_IN = {
    "", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io", "apps",
    "authentication.k8s.io", "authorization.k8s.io", "autoscaling", "batch",
    "certificates.k8s.io", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io",
    "flowcontrol.apiserver.k8s.io", "networking.k8s.io", "node.k8s.io", "policy",
    "internal.apiserver.k8s.io", "rbac.authorization.k8s.io", "resource.k8s.io",
    "scheduling.k8s.io", "storage.k8s.io", "storagemigration.k8s.io",
}  # fmt: skip


def _served_by_crds(evidence: Evidence) -> set[str] | Unread:
    """`group/version` of every served version of every CustomResourceDefinition."""
    if isinstance(evidence.crds, Unread):
        return evidence.crds
    served: set[str] = set()
    for crd in evidence.crds.value if isinstance(evidence.crds, Known) else ():
        group = text_at(crd, "spec", "group")
        served |= {
            f"{group}/{text_at(version, 'name')}"
            for version in list_at(crd, "spec", "versions")
            if version.get("served") is True
        }
    return served


@service_check(
    "A26", Severity.CRITICAL, _n("It stands before no other API"), reads=[APISERVICES_PATH, CRDS]
)
def shadows_nothing(evidence: Evidence, each: APIService) -> Outcome:
    """No aggregated APIService for a built-in group, or for a version that a CRD serves."""
    owner = ""
    if (each.group or "") in _BUILT_IN:
        owner = "kube-apiserver"
    else:
        served = _served_by_crds(evidence)
        if isinstance(served, Unread):
            return served
        if each.group_version in served:
            owner = "CustomResourceDefinition"
    if not owner:
        return Passed()
    return Found(
        sentence=say(
            _n(
                "%(gv)s belongs to %(owner)s, and this APIService puts another backend before it: "
                "its objects cannot be reached, and the backend sees every request."
            ),
            gv=each.group_version,
            owner=owner,
        ),
        remedy=Remedy(
            sentence=say(
                _n("Delete it, unless somebody meant this; look in the audit log who made it.")
            ),
            command=of_apiservice(each),
            deed=Deed.DELETE_APISERVICE,
        ),
    )


@service_check(
    "A27", Severity.WARNING, _n("Its priority leaves the order alone"), reads=[APISERVICES_PATH]
)
def priority_is_modest(evidence: Evidence, each: APIService) -> Outcome:
    """Below the built-in groups, and the same for all versions of its group."""
    priority = each.group_priority_minimum
    if priority is None:
        return Unchecked(sentence=say(_n("Its groupPriorityMinimum cannot be read.")))
    others = {
        other.group_priority_minimum
        for other in evidence.apiservices
        if other.group == each.group and other.group_priority_minimum is not None
    }
    remedy = Remedy(
        sentence=say(
            _n("Use the same groupPriorityMinimum for the whole group, usually 1000 to 2000.")
        ),
        command=patch_apiservice(each, '{"spec":{"groupPriorityMinimum":1000}}'),
    )
    if priority >= LOWEST_BUILT_IN:
        return Found(
            sentence=say(
                _n(
                    "Its groupPriorityMinimum %(priority)d is among those of the built-in groups, "
                    "so that short names of kubectl may mean its resources instead of theirs."
                ),
                priority=priority,
            ),
            remedy=remedy,
        )
    if len(others) > 1:
        return Found(
            sentence=say(
                _n("The versions of its group have different groupPriorityMinimum: %(all)s."),
                all=", ".join(str(one) for one in sorted(others)),
            ),
            remedy=remedy,
        )
    return Passed()


@service_check(
    "A28",
    Severity.ERROR,
    _n("Its owner is there, and serves it"),
    reads=[APISERVICES_PATH, CRDS, "/apis/<group>/<version>"],
    local=True,
)
def local_has_an_owner(evidence: Evidence, each: APIService) -> Outcome:
    """A local APIService is always called available, even where it serves nothing: kube-apiserver
    or a CustomResourceDefinition stands behind it, and it answers 200.
    """
    answer = evidence.discoveries.get(each.name)
    if answer is None:
        return Unchecked(sentence=say(_n("It was not asked for its discovery.")))
    if answer.status is None:
        why = say(_n("Its discovery was not answered."))
        return Unread(path=answer.path, why=answer.trouble or why)
    if answer.status in {401, 403}:
        rule = AccessRule(verb="get", path=answer.path)
        return Unread(path=answer.path, why=say(_n("This account may not ask it.")), rule=rule)
    built_in = each.automanaged == "onstart" or (each.group or "") in _BUILT_IN
    served = set() if built_in else _served_by_crds(evidence)
    if isinstance(served, Unread):
        return served if answer.status == 200 else _serves_nothing(each, answer)
    if answer.status == 200:
        return Passed()
    if built_in or each.group_version in served:
        return _owner_serves_nothing(each, answer, "kube-apiserver" if built_in else "")
    return _serves_nothing(each, answer)


def _serves_nothing(each: APIService, answer: Discovery) -> Found:
    return Found(
        sentence=say(
            _n(
                "Nothing serves %(gv)s, and yet it is called available: discovery of the whole "
                "cluster ends in an error for clients."
            ),
            gv=each.group_version,
        ),
        evidence=(say("HTTP %(status)s", status=answer.status),),
        remedy=Remedy(
            sentence=say(_n("Delete the APIService that was left behind.")),
            command=kubectl("delete", "apiservice", each.name),
            deed=Deed.DELETE_APISERVICE,
        ),
    )


def _owner_serves_nothing(each: APIService, answer: Discovery, owner: str) -> Found:
    """What kube-apiserver made is not deleted: it is gone until its next start."""
    return Found(
        sentence=say(
            _n(
                "%(gv)s belongs to %(owner)s, which answers HTTP %(status)s for it: discovery of "
                "the whole cluster ends in an error for clients."
            ),
            gv=each.group_version,
            owner=owner or "CustomResourceDefinition",
            status=answer.status,
        ),
        evidence=(say("HTTP %(status)s: %(body)s", status=answer.status, body=answer.body[:600]),),
        remedy=Remedy(
            sentence=say(
                _n(
                    "Look what kube-apiserver says of it (--runtime-config, its log), or whether "
                    "the CustomResourceDefinition is established."
                )
            ),
            command=raw(answer.path),
        ),
    )
