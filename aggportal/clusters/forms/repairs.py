"""Repairing a caBundle: what stays, what comes, and the name that is typed before it is done."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from aggportal.certs.models import Authority, Lane
from aggportal.clusters.caring import bundle_pem, expired
from aggportal.pki.errors import PkiError
from aggportal.pki.facts import CertificateFacts
from aggportal.pki.reading import read_certificate, read_certificates
from aggportal.web.forms import PortalForm, TypedForm
from aggportal.web.sentences import visible, words

_MEANT_FOR_SERVING = Authority.objects.filter(
    retired_at=None, lane__in=[Lane.SERVING, Lane.GENERAL]
)


class TypedNameForm(TypedForm):
    """Type the name of what is to be changed."""

    wrong = gettext_lazy("This is not its name, so nothing was changed. Type it exactly as shown.")


class BundleForm(PortalForm):
    """What stands in caBundle now, our authorities, and what is pasted: together the new one."""

    keep = forms.MultipleChoiceField(
        label=gettext_lazy("Stays"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "While the serving certificate is replaced, keep the old authority beside the new one: "
            "kube-apiserver trusts each of them."
        ),
        error_messages={
            "invalid_choice": gettext_lazy(
                "The caBundle was changed since this page was shown; look at it again."
            )
        },
    )
    authorities = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Authorities of ours"),
        queryset=_MEANT_FOR_SERVING,
        to_field_name="slug",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("The authority that signed the serving certificate, not its root."),
    )
    pasted = forms.CharField(
        label=gettext_lazy("Other CA certificates (PEM)"),
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 4, "class": "mono", "spellcheck": "false", "data-drop": ""}
        ),
    )

    def __init__(
        self,
        *args: object,
        standing: Sequence[CertificateFacts],
        now: dt.datetime,
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._standing = {each.sha256: each for each in standing}
        self._now = now
        self.bundle = b""
        self.certificates: tuple[CertificateFacts, ...] = ()
        self.cautions: list[str] = []
        keep = self.fields["keep"]
        assert isinstance(keep, forms.MultipleChoiceField)  # noqa: S101 - declared above
        keep.choices = [(key, _told(facts)) for key, facts in self._standing.items()]
        if not self._standing:
            del self.fields["keep"]

    def clean_pasted(self) -> tuple[CertificateFacts, ...]:
        """A private key that was pasted here by mistake is not written back into the page."""
        text = str(self.cleaned_data["pasted"])
        if "PRIVATE KEY" in text:
            if isinstance(self.data, QueryDict):
                self.data = self.data.copy()
                self.data["pasted"] = ""
            raise forms.ValidationError(
                _("This held a private key and was thrown away. Give the CA certificate only.")
            )
        if not text.strip():
            return ()
        try:
            return read_certificates(text, field="pasted")
        except PkiError as refused:
            raise forms.ValidationError(words(refused.sentence)) from refused

    def clean(self) -> dict[str, object]:
        values = self.cleaned_data
        if self.errors:
            return values
        ours = [read_certificate(each.certificate_pem) for each in values["authorities"]]
        kept = [self._standing[key] for key in values.get("keep", ())]
        wanted = (*kept, *ours, *values["pasted"])
        if not wanted:
            raise forms.ValidationError(
                _(
                    "Nothing is chosen. Without a caBundle the system roots of kube-apiserver's "
                    "machine would decide; choose at least one certificate."
                )
            )
        self.certificates = tuple({each.sha256: each for each in wanted}.values())
        self.bundle = bundle_pem(self.certificates)
        self.cautions = [*self._repeated(wanted), *self._unfit()]
        return values

    def _repeated(self, wanted: Sequence[CertificateFacts]) -> Iterable[str]:
        extra = len(wanted) - len(self.certificates)
        if extra:
            yield ngettext(
                "One certificate was given twice; it is written once.",
                "%(count)d certificates were given twice; each is written once.",
                extra,
            ) % {"count": extra}

    def _unfit(self) -> Iterable[str]:
        yield from (words(each) for each in expired(self.certificates, now=self._now))
        if not any(each.is_ca for each in self.certificates):
            yield _("No certificate of this caBundle is a CA; it then trusts itself alone.")


def _told(facts: CertificateFacts) -> str:
    return _("%(subject)s, until %(date)s, SHA-256 %(digest)s…") % {
        "subject": visible(facts.subject),
        "date": f"{facts.not_after:%Y-%m-%d}",
        "digest": facts.sha256[:16],
    }
