"""What is chosen on the flags page. A GET form: its address can be shared and holds no secret."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Self

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.certs.models import Authority, Certificate
from aggportal.kube.flags import (
    DEFAULT_DIRECTORY,
    UID_HEADER,
    UID_SINCE_MINOR,
    FlagsError,
    FrontProxy,
)
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.verifying import require_can_proxy
from aggportal.snippets import choices
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words

OLDEST_MINOR, NEWEST_MINOR = 20, 37
_VERSIONS = [(str(minor), f"1.{minor}") for minor in range(NEWEST_MINOR, OLDEST_MINOR - 1, -1)]
# Where the page shows what the cores refuse; what is not named here belongs to the certificate.
_FIELD_OF = {
    "authority": "authority",
    "directory": "directory",
    "allowed_names": "names",
    "uid_headers": "uid",
}
_DEFAULTS = {"directory": DEFAULT_DIRECTORY, "kube_proxy": "yes"}


class FlagsForm(PortalForm):
    """The choices; when they are valid, `front_proxy` is what they come to."""

    authority = forms.ModelChoiceField(
        label=gettext_lazy("Front-proxy authority"),
        queryset=Authority.objects.none(),
        to_field_name="slug",
        empty_label=None,
        help_text=gettext_lazy("Its certificate goes behind --requestheader-client-ca-file."),
        error_messages={
            "invalid_choice": gettext_lazy(
                "No front-proxy or general authority has this name. An authority of another lane "
                "must not stand here: whoever holds a certificate of it could be anybody."
            )
        },
    )
    certificate = forms.ModelChoiceField(
        label=gettext_lazy("Proxy client certificate"),
        queryset=Certificate.objects.select_related("material"),
        empty_label=None,
        help_text=gettext_lazy("kube-apiserver shows it to the API servers behind it."),
        error_messages={
            "required": gettext_lazy(
                "This authority has issued no certificate yet. Issue one from its profile for the "
                "front proxy, then choose it here."
            ),
            "invalid_choice": gettext_lazy(
                "There is no such certificate. Choose one from the list."
            ),
        },
    )
    certificate_of = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    directory = forms.CharField(
        label=gettext_lazy("Directory on the masters"),
        max_length=1024,
        strip=True,
        help_text=gettext_lazy("Where the three files lie, the same on every master."),
        widget=forms.TextInput(
            attrs={"class": "mono", "spellcheck": "false", "autocomplete": "off"}
        ),
    )
    kube_proxy = forms.ChoiceField(
        label=gettext_lazy("kube-proxy runs on the masters"),
        choices=[("yes", gettext_lazy("yes")), ("no", gettext_lazy("no"))],
        widget=forms.RadioSelect,
        help_text=gettext_lazy(
            "Without it a master cannot reach a Service's address; it then dials the endpoints "
            "itself (--enable-aggregator-routing)."
        ),
    )
    names = forms.CharField(
        label=gettext_lazy("Further allowed names, one per line"),
        required=False,
        max_length=20_000,
        strip=False,
        help_text=gettext_lazy(
            "The certificate's own common name is allowed, or what the authority's page lists."
        ),
        widget=forms.Textarea(attrs={"class": "mono", "rows": 2, "spellcheck": "false"}),
    )
    version = forms.ChoiceField(
        label=gettext_lazy("Kubernetes version"),
        required=False,
        choices=[("", gettext_lazy("any")), *_VERSIONS],
    )
    uid = forms.BooleanField(
        label=gettext_lazy("Accept the user's UID too (1.33 and newer)"), required=False
    )
    way = forms.CharField(required=False, widget=forms.HiddenInput)

    front_proxy: FrontProxy | None = None
    # Whether the list of certificates is another than the one that the choices were made from.
    list_changed = False

    @classmethod
    def chosen(cls, query: QueryDict, *, now: dt.datetime) -> Self:
        """Return the form for `query`; what it leaves out is filled by what could be meant."""
        data = query.copy()
        listed = data.get("certificate_of", "")
        authority = choices.authority_called(data.get("authority", ""))
        if authority is None and not data.get("authority"):
            authority = choices.default_authority(now=now)
        if authority is not None:
            data["authority"] = data["certificate_of"] = authority.slug
            if not data.get("certificate") or listed not in ("", authority.slug):
                certificate = choices.default_certificate(authority, now=now)
                data["certificate"] = str(certificate.pk) if certificate else ""
        for name, value in _DEFAULTS.items():
            data.setdefault(name, value)
        form = cls(data, authority=authority, now=now)
        form.list_changed = listed != data.get("certificate_of", "")
        return form

    def __init__(self, data: QueryDict, *, authority: Authority | None, now: dt.datetime) -> None:
        super().__init__(data)
        self.chosen_query = data
        self.now, self.chosen_authority = now, authority
        offered = choices.certificate_choices(
            authority, chosen=data.get("certificate", ""), now=now
        )
        # Both are ModelChoiceFields; the second offers fewer than it accepts, and judges those.
        self.fields["authority"].queryset = choices.proxy_authorities()  # type: ignore[attr-defined]
        self.fields["certificate"].choices = offered  # type: ignore[attr-defined]
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"notes-{name}"

    @property
    def minor(self) -> int | None:
        """The minor version of Kubernetes 1.x that was chosen; None means any."""
        version = self.cleaned_data.get("version", "")
        return int(version) if version else None

    @property
    def way_key(self) -> str:
        """The way of installing that was chosen; empty where none was."""
        return str(self.cleaned_data.get("way", ""))

    @property
    def nothing_to_choose(self) -> bool:
        """Whether there is no authority yet that could be chosen."""
        return not choices.proxy_authorities().exists()

    def query(self, **changes: str) -> str:
        """Return the choices as a query string, with `changes`."""
        query = self.chosen_query.copy()
        for name in set(query) - set(self.fields):
            del query[name]
        for name, value in changes.items():
            query[name] = value
        return str(query.urlencode())

    def clean(self) -> dict[str, object]:
        """Put the choices together; what the cores refuse is said beside the choice it is about."""
        if self.minor is not None and self.minor < UID_SINCE_MINOR and self.cleaned_data.get("uid"):
            text = _("kube-apiserver before 1.33 does not know this flag and would not start.")
            self.add_error("uid", text)
        if {"authority", "certificate"} <= set(self.cleaned_data):
            # A refusal takes its field out of cleaned_data, and both are to be said at once.
            chosen = dict(self.cleaned_data)
            facts = choices.facts_of(chosen["certificate"])
            names = allowed_names(facts.common_name, chosen.get("names", ""), chosen["authority"])
            self._judge(facts, authority=chosen["authority"], names=names)
            if chosen["certificate"].is_revoked:
                self._refuse("certificate", _("It is revoked or on hold. Choose another one."))
            front_proxy = self._put_together(chosen, names)
            self.front_proxy = None if self.errors else front_proxy
        return self.cleaned_data

    def _judge(
        self, facts: CertificateFacts, *, authority: Authority, names: tuple[str, ...]
    ) -> None:
        ca = choices.authority_facts(authority)
        try:
            require_can_proxy(facts, authority=ca, allowed_names=names, now=self.now)
        except PkiError as refusal:
            for problem in refusal.problems:
                self._refuse(problem.field, words(problem.sentence))

    def _put_together(self, chosen: Mapping[str, Any], names: tuple[str, ...]) -> FrontProxy | None:
        try:
            return FrontProxy(
                client_ca_file=f"{chosen['authority'].file_base}.pem",
                proxy_client_cert_file=f"{chosen['certificate'].file_base}.pem",
                proxy_client_key_file=f"{chosen['certificate'].file_base}-key.pem",
                allowed_names=names,
                uid_headers=(UID_HEADER,) if chosen.get("uid") else (),
                aggregator_routing=chosen.get("kube_proxy") == "no",
                directory=chosen.get("directory", DEFAULT_DIRECTORY),
            )
        except FlagsError as refusal:
            self._refuse(refusal.field, words(refusal.sentence))
        return None

    def _refuse(self, field: str, text: str) -> None:
        self.add_error(_FIELD_OF.get(field, "certificate"), text)


def allowed_names(common_name: str, lines: str, authority: Authority) -> tuple[str, ...]:
    """Return the authority's own allowed names, or else the `common_name`; then the further."""
    further = (line.strip() for line in lines.splitlines())
    first = authority.proxy_names or (common_name,)
    return tuple(dict.fromkeys(name for name in (*first, *further) if name))
