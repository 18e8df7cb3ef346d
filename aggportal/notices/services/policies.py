"""How early to warn, and where: changed by an administrator, with a record."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from aggportal.certs.models import Authority
from aggportal.ledger.services import record
from aggportal.notices.models import Channel, Policy
from aggportal.web.actors import Actor


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyChoices:
    """What a person chose; thresholds in days. `channels` None means every one, also to come."""

    enabled: bool
    days: tuple[int, ...]
    authority_days: tuple[int, ...] | None
    lists: bool
    channels: Sequence[Channel] | None


@transaction.atomic
def change_policy(
    authority: Authority | None, choices: PolicyChoices, *, by: Actor, now: dt.datetime
) -> Policy:
    """Make `choices` the policy of `authority`, or of certificates of no authority of ours."""
    policy, _ = Policy.objects.select_for_update().get_or_create(authority=authority)
    policy.enabled, policy.lists = choices.enabled, choices.lists
    policy.days = sorted(set(choices.days), reverse=True)
    if choices.authority_days is not None:
        policy.authority_days = sorted(set(choices.authority_days), reverse=True)
    policy.all_channels = choices.channels is None
    policy.save()
    policy.channels.set(choices.channels or ())
    record(
        "notice_policy.changed",
        actor=by,
        subject=("authority", authority.slug, authority.label) if authority else _OTHERS,
        detail={
            "enabled": policy.enabled,
            "days": policy.days,
            "authority_days": policy.authority_days if authority else [],
            "lists": policy.lists,
            "channels": "all" if choices.channels is None else [str(c) for c in choices.channels],
        },
        at=now,
    )
    return policy


_OTHERS = ("notice_policy", "others", "certificates of no authority of ours")


def policies_of_all() -> list[Policy]:
    """Return the policy of every authority, then that of certificates of none; those that follow
    the defaults are not saved.
    """
    rows = Policy.objects.select_related("authority").prefetch_related("channels")
    own = {policy.authority_id: policy for policy in rows}
    authorities = Authority.objects.all()
    found = [own.get(each.pk) or Policy(authority=each) for each in authorities]
    return [*found, own.get(None) or Policy(authority=None)]
