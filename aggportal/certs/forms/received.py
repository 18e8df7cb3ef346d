"""Handing in a signing request, and deciding on one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.issuing import SignerForm, profile_names
from aggportal.certs.forms.override import override_reason_field
from aggportal.certs.models import Authority, Mode
from aggportal.certs.models.signing_requests import MAX_REASON
from aggportal.pki.csrplanning import MAX_VALUE, Changes, request_spec_of
from aggportal.pki.csrreading import MAX_CSR_INPUT, CsrFacts, read_csr
from aggportal.pki.errors import PkiError
from aggportal.pki.requests import load_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words

_PLACES = {"C": "country", "ST": "state", "L": "locality"}
_LISTS = {"O": "organization", "OU": "organizational_unit"}
_LINES = {"rows": 2, "class": "mono", "spellcheck": "false"}
# The core's paths → the field that shows them.
_FIELD_OF = {"serialnumber": "serial_number", "subject": "CN"}


class AskForm(SignerForm):
    """One signing request, pasted, dropped or uploaded, and who is to sign it."""

    csr = forms.CharField(
        label=_l("Signing request"),
        required=False,
        widget=forms.Textarea(
            attrs={
                "rows": 10,
                "class": "mono",
                "spellcheck": "false",
                "autocomplete": "off",
                "data-drop": "",
                "placeholder": "-----BEGIN CERTIFICATE REQUEST-----",
            }
        ),
        help_text=_l("Paste it as PEM, or drop the file here."),
    )
    file = forms.FileField(
        label=_l("Or a file, PEM or DER"),
        required=False,
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csr,.pem,.der,.p10,.req,application/pkcs10"}),
    )
    asked: CsrFacts | None = None

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing was given yet."""
        return not self.data.get("csr", "").strip() and not self.files.get("file")

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        text, upload = values.get("csr", ""), values.get("file")
        if "csr" in self.errors or "file" in self.errors:
            return values
        if text and upload and not self._is_shown_file(text, upload):
            self.add_error("csr", _("There is a text and a file. Give one of the two."))
            return values
        try:
            self.asked = read_csr(_content(upload) if upload else text)
        except PkiError as refused:
            self.add_error("csr", words(refused.sentence))
        else:
            # A browser does not send a file twice; its text stays on the page instead.
            self.data = {**self.data.dict(), "csr": self.asked.pem}  # type: ignore[attr-defined]  # a QueryDict
        return values

    def add_problem(self, problem: PkiError) -> None:
        """Put a refusal beside the choice that it is about."""
        about = "profile" if problem.field.startswith("profile") else "csr"
        self.add_error(about, words(problem.sentence))

    def _is_shown_file(self, text: str, upload: Any) -> bool:
        """Tell whether the text is the very request that the file holds, as the page shows it."""
        try:
            return read_csr(text).der == read_csr(_content(upload)).der
        except PkiError:
            return False


def _content(upload: Any) -> bytes:
    upload.seek(0)
    content: bytes = upload.read(MAX_CSR_INPUT + 1)
    return content


class DecisionForm(PortalForm):
    """How to sign: the fields begin as what was asked; what is not touched stays as it came."""

    profile = forms.ChoiceField(label=_l("Profile"))
    CN = forms.CharField(label=_l("CN"), required=False, max_length=MAX_VALUE)
    O = forms.CharField(  # noqa: E741  # the attribute's own name
        label=_l("O, one per line"), required=False, widget=forms.Textarea(attrs=_LINES)
    )
    OU = forms.CharField(
        label=_l("OU, one per line"), required=False, widget=forms.Textarea(attrs=_LINES)
    )
    C = forms.CharField(label=_l("C"), required=False, max_length=MAX_VALUE)
    ST = forms.CharField(label=_l("ST"), required=False, max_length=MAX_VALUE)
    L = forms.CharField(label=_l("L"), required=False, max_length=MAX_VALUE)
    serial_number = forms.CharField(
        label=_l("serialNumber in the subject"), required=False, max_length=MAX_VALUE
    )
    hosts = forms.CharField(
        label=_l("Names, one per line"),
        required=False,
        widget=forms.Textarea(attrs={**_LINES, "rows": 4}),
        help_text=_l("DNS names, IP addresses, e-mail addresses, URIs. Empty leaves them out."),
    )
    override_reason = override_reason_field()

    def __init__(
        self,
        *args: Any,
        authority: Authority,
        csr: CsrFacts,
        profile: str,
        may_administer: bool,
        **kwargs: Any,
    ) -> None:
        self.authority, self.csr, self.may_administer = authority, csr, may_administer
        self.asked = _asked_values(request_spec_of(csr))
        super().__init__(*args, initial={"profile": profile, **self.asked}, **kwargs)
        names = profile_names(authority)
        self.fields["profile"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]  # ChoiceField's

    @property
    def power_reason(self) -> str:
        """Why whoever decides wants a name that is power to pass."""
        return self["override_reason"].value() or ""

    @property
    def reason_to_pass(self) -> str:
        """Why an administrator lets dangers pass; nobody else's reason counts for them."""
        return self.power_reason if self.may_administer else ""

    @property
    def subject_fields(self) -> Iterable[forms.BoundField]:
        """The fields of the subject, CN first."""
        return [self[name] for name in ("CN", "serial_number", "O", "OU", "C", "ST", "L")]

    @property
    def changes_subject(self) -> bool:
        """Tell whether a field of the subject differs from what was asked."""
        return self.is_bound and any(
            self.cleaned_data.get(name) != self.asked[name]
            for name in self.asked
            if name != "hosts"
        )

    def changes(self) -> Changes:
        """Return what replaces what was asked. Raises `PkiError` for a subject that cannot be."""
        return Changes(hosts=self._hosts(), subject=self._subject())

    def add_problem(self, problem: PkiError) -> None:
        """Put a refusal beside the field that mends it."""
        parts = problem.field.replace("[", ".").split(".")
        shown = [_FIELD_OF.get(part, part) for part in reversed(parts)]
        field = next((name for name in shown if name in self.fields), "profile")
        self.add_error(field, words(problem.sentence))

    def _hosts(self) -> tuple[str, ...] | None:
        typed: str = self.cleaned_data["hosts"]
        return None if typed == self.asked["hosts"] else tuple(typed.split("\n")) if typed else ()

    def _subject(self) -> RequestSpec | None:
        if not self.changes_subject:
            return None
        values = self.cleaned_data
        first = {key: values[key] for key in _PLACES if values[key]}
        names = [first] if first else []
        names += [{key: line} for key in _LISTS for line in values[key].split("\n") if line]
        document = {"CN": values["CN"], "serialnumber": values["serial_number"], "names": names}
        return load_request_spec(document, strict=self.authority.mode != Mode.COMPAT)

    def clean_hosts(self) -> str:
        return _lines(self.cleaned_data["hosts"])

    def clean_O(self) -> str:  # noqa: N802  # the field's name
        return _lines(self.cleaned_data["O"])

    def clean_OU(self) -> str:  # noqa: N802  # the field's name
        return _lines(self.cleaned_data["OU"])


class RejectForm(PortalForm):
    """Why a request is rejected."""

    reason = forms.CharField(
        label=_l("Reason"),
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={
            "required": _l("Say why: whoever asked reads it and knows what to change.")
        },
    )


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def _asked_values(spec: RequestSpec) -> dict[str, str]:
    """Return what the fields show of a request, as cleaning leaves it."""
    values = {"CN": spec.common_name, "serial_number": spec.serial_number}
    for key, attribute in _PLACES.items():
        found = (getattr(entry, attribute) for entry in spec.names)
        values[key] = next((value for value in found if value), "")
    for key, attribute in _LISTS.items():
        values[key] = "\n".join(getattr(entry, attribute) for entry in spec.names)
    values["hosts"] = "\n".join(spec.hosts)
    lists = {*_LISTS, "hosts"}
    return {k: _lines(v) if k in lists else v.strip() for k, v in values.items()}
