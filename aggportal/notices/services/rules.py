"""The rules in force: a policy's where there is one, the defaults elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from aggportal.certs.models import Authority
from aggportal.notices.deciding import DEFAULT_AUTHORITY_DAYS, DEFAULT_DAYS
from aggportal.notices.models import Policy


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """How early to warn (days) and through which channels (ids); `channels` None means all."""

    enabled: bool = True
    days: tuple[int, ...] = DEFAULT_DAYS
    authority_days: tuple[int, ...] = DEFAULT_AUTHORITY_DAYS
    lists: bool = True
    channels: frozenset[int] | None = None

    def goes_through(self, channel: int) -> bool:
        """Whether notices under these rules go through the channel with this id."""
        return self.channels is None or channel in self.channels


DEFAULTS = Rules()


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleBook:
    """The rules of every authority that has its own, by id; None stands for no authority."""

    own: Mapping[int | None, Rules] = field(default_factory=dict)

    def of(self, authority_id: int | None) -> Rules:
        """The rules for what this authority issued, and for itself."""
        return self.own.get(authority_id, DEFAULTS)

    def groups(self) -> Sequence[tuple[Rules, frozenset[int | None]]]:
        """The different rules with whom each governs; the defaults are left out."""
        found: dict[Rules, set[int | None]] = {}
        for authority_id, rules in self.own.items():
            found.setdefault(rules, set()).add(authority_id)
        return [(rules, frozenset(ids)) for rules, ids in found.items()]


def read_rules() -> RuleBook:
    """Read the rule book as it stands."""
    policies = Policy.objects.prefetch_related("channels")
    return RuleBook(own={policy.authority_id: rules_of(policy) for policy in policies})


def rules_of(policy: Policy) -> Rules:
    """Return the rules that a policy states."""
    chosen = frozenset(channel.pk for channel in policy.channels.all())
    return Rules(
        enabled=policy.enabled,
        days=tuple(policy.days),
        authority_days=tuple(policy.authority_days),
        lists=policy.lists,
        channels=None if policy.all_channels else chosen,
    )


def policy_of(authority: Authority | None) -> Policy:
    """Return the authority's policy, or an unsaved one with the defaults."""
    found = Policy.objects.filter(authority=authority).first()
    return found or Policy(authority=authority)
