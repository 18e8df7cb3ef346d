"""The last step of a front-proxy CA's exchange: the ConfigMap is rebuilt without the old CA.

It is told by its uid: the one that is to go (`uid` of the step's facts where the portal deletes it,
`first_uid` where somebody does by hand), and the one that came instead (`rebuilt`, since when it
was seen). Each further one is watched anew.
"""

from __future__ import annotations

import contextlib
import datetime as dt

from aggportal.clusters.models import Cluster, Rotation, RotationStep
from aggportal.clusters.rotation.bundles import new_cas
from aggportal.clusters.rotation.pair import prove_passing
from aggportal.clusters.rotation.proofs import Trust, read_trust, told_ca, unreadable_trust
from aggportal.clusters.rotation.steps import (
    Command,
    Deed,
    Did,
    Doing,
    Instructions,
    Look,
    Proof,
    Step,
)
from aggportal.doctor.authconfig import CONFIG_MAP
from aggportal.doctor.told import say
from aggportal.kube.errors import NotFound, PermissionDenied
from aggportal.words import RefusedError, Sentence
from aggportal.words import gettext_noop as _n

NAME = "extension-apiserver-authentication"
# Each kube-apiserver writes what it trusts into the ConfigMap once a minute.
REPUBLISHED = dt.timedelta(seconds=65)
_REBUILT, _GONE = "rebuilt", "gone"

_BY_HAND = f"kubectl delete configmap {NAME} --namespace kube-system"
_ALLOW = f"""\
kubectl create role aggportal-rotation --namespace kube-system \\
  --verb get,delete --resource configmaps --resource-name {NAME}
kubectl create rolebinding aggportal-rotation --namespace kube-system \\
  --role aggportal-rotation --serviceaccount aggportal:aggportal\
"""


class StillNeeded(RefusedError):
    """The new CA is not published, so deleting the ConfigMap would lock the front proxy out."""

    code = "still-needed"


def _delete(doing: Doing) -> Did:
    """Delete the very ConfigMap that was read. Done again, it deletes what was rebuilt since.

    Its uid is noted before: though the process ends before the answer, another uid is known as
    the rebuilt one; and where nothing was deleted, the same uid shows that.
    """
    look = Look(client=doing.client, rotation=doing.rotation, step=doing.step, now=doing.now)
    trust = read_trust(look)
    _require_new(doing.rotation, trust)
    if trust.uid:
        doing.note(uid=trust.uid)
        with contextlib.suppress(NotFound):
            doing.client.delete(CONFIG_MAP, uid=trust.uid)
    _follow(doing.rotation)
    return Did(
        sentence=say(_n("The ConfigMap is deleted; kube-apiserver writes it anew within seconds.")),
        step_facts={"deleted_at": doing.now.isoformat()},
    )


def _require_new(rotation: Rotation, trust: Trust) -> None:
    lacking = [ca for ca in new_cas(rotation) if ca.sha256 not in trust.digests]
    if trust.document is not None and lacking:
        raise StillNeeded(
            _n(
                "The ConfigMap does not hold the new CA, so no master has it. Go back and put the "
                "file in place first; nothing was deleted."
            )
        )


def _follow(rotation: Rotation) -> None:
    """Where the old authority was chosen for the cluster, the new one is from now on."""
    if rotation.old_authority_id and rotation.new_authority_id:
        mine = Cluster.objects.filter(
            pk=rotation.cluster_id, front_proxy_id=rotation.old_authority_id
        )
        mine.update(front_proxy_id=rotation.new_authority_id)


def _tell(rotation: Rotation, step: RotationStep) -> Instructions:
    return Instructions(
        say=(
            say(
                _n(
                    "Delete the ConfigMap %(name)s in kube-system: kube-apiserver keeps in it what "
                    "was ever trusted, and writes it anew within seconds from what its files hold "
                    "now. Extension API servers keep what they know meanwhile."
                ),
                name=NAME,
            ),
        ),
        commands=(
            Command(title=say(_n("By hand instead")), lines=_BY_HAND),
            Command(title=say(_n("To let the portal's account do it")), lines=_ALLOW),
        ),
        notes=(
            say(
                _n(
                    "A master that still has the old CA in its file brings it back within a "
                    "minute, so the step waits that long. Then exchange the file there and delete "
                    "once more."
                )
            ),
        ),
    )


def _prove(look: Look) -> Proof:
    try:
        trust = read_trust(look)
    except PermissionDenied as error:
        return unreadable_trust(error)
    first = str(look.step.facts.get("first_uid") or trust.uid or _GONE)
    if trust.uid == look.step.facts.get("uid", first):
        told = _n("It is the same ConfigMap still: delete it.")
        if "uid" not in look.step.facts:
            told = _n("The ConfigMap is not deleted yet.")
        return Proof(ok=False, missing=(say(told),), facts={"first_uid": first})
    since = _since(look, trust)
    wrong = [*_wrong(look, trust)]
    if not wrong and look.now - since < REPUBLISHED:
        left = round((since + REPUBLISHED - look.now).total_seconds())
        wrong.append(say(_WAITING, left=left))
    passing = prove_passing(look, since=None)
    rebuilt = told_all(_n("The rebuilt ConfigMap holds %(subject)s (%(digest)s)."), trust)
    return Proof(
        ok=not wrong and passing.ok,
        seen=(*rebuilt, *passing.seen),
        missing=(*wrong, *passing.missing),
        rules=passing.rules,
        facts={"first_uid": first, _REBUILT: {"uid": trust.uid, "since": since.isoformat()}},
    )


def _since(look: Look, trust: Trust) -> dt.datetime:
    """When the ConfigMap that is there now was first seen: each rebuilt one is watched anew."""
    before = look.step.facts.get(_REBUILT, {})
    if before.get("uid") != trust.uid:
        return look.now
    return min(dt.datetime.fromisoformat(before["since"]), look.now)


_WAITING = _n(
    "Every kube-apiserver writes what it trusts once a minute: %(left)d s more until none can have "
    "brought the old CA back."
)


def told_all(template: str, trust: Trust) -> tuple[Sentence, ...]:
    """`template` for each CA that is trusted now."""
    return tuple(told_ca(template, ca) for ca in trust.config.requestheader_cas)


def _wrong(look: Look, trust: Trust) -> tuple[Sentence, ...]:
    if trust.document is None:
        return (say(_n("The ConfigMap is not written anew yet.")),)
    new = {ca.sha256 for ca in new_cas(look.rotation)}
    back = [ca for ca in trust.config.requestheader_cas if ca.sha256 not in new]
    gone = [ca for ca in new_cas(look.rotation) if ca.sha256 not in trust.digests]
    return (
        *(told_ca(_BACK, ca) for ca in back),
        *(told_ca(_n("The ConfigMap does not hold %(subject)s (%(digest)s)."), ca) for ca in gone),
    )


_BACK = _n(
    "%(subject)s (%(digest)s) is back: a master still has it in its file. Exchange the file there "
    "and delete the ConfigMap once more."
)

DROP_STEP = Step(
    key="drop",
    title=_n("Rebuild the ConfigMap without the old CA"),
    tell=_tell,
    prove=_prove,
    back=_n(
        "Put the file with both CAs back on every master; the ConfigMap then holds both again by "
        "itself."
    ),
    deed=Deed(
        label=_n("Delete the ConfigMap"),
        do=_delete,
        confirm=NAME,
        is_done=lambda rotation, step: bool({"deleted_at", _REBUILT} & step.facts.keys()),
        icon="trash",
    ),
)
