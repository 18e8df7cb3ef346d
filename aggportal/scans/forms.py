"""What is to be scanned: where, for which name, and which name to send."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.scans.ports import allowed_ports
from aggportal.tls.errors import TlsError
from aggportal.tls.scanning import Question, ask
from aggportal.tls.targets import (
    MAX_TARGET,
    Target,
    is_address,
    parse_name,
    parse_target,
    require_port,
)
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import words

_EXACT = {"class": "mono", "spellcheck": "false", "autocomplete": "off", "autocapitalize": "none"}


class ScanForm(PortalForm):
    """An endpoint. A name that was left open is the host."""

    target = forms.CharField(
        label=_l("Host and port"),
        max_length=MAX_TARGET,
        widget=forms.TextInput(attrs={**_EXACT, "placeholder": "api.example.com:6443"}),
        help_text=_l("Or a URL; IPv6 in brackets. Without a port: 443."),
    )
    name = forms.CharField(
        label=_l("Must hold for"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={**_EXACT, "placeholder": "api.wardle.svc"}),
        help_text=_l("The name or IP address that clients use; left empty, the host."),
    )
    server_name = forms.CharField(
        label=_l("Name to send (SNI)"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs=_EXACT),
        help_text=_l("Left empty, the same. IP addresses are never sent."),
    )
    without_sni = forms.BooleanField(label=_l("Send no name"), required=False)

    def clean_target(self) -> Target:
        return self._read_target(self.cleaned_data["target"])

    def _read_target(self, text: str) -> Target:
        try:
            target = parse_target(text)
            require_port(target, allowed_ports())
        except TlsError as refused:
            raise forms.ValidationError(words(refused.sentence)) from refused
        return target

    def clean_name(self) -> str:
        return self._read_name("name")

    def clean_server_name(self) -> str:
        return self._read_name("server_name")

    def _read_name(self, field: str) -> str:
        text = self.cleaned_data[field]
        try:
            return parse_name(text, field=field) if text else ""
        except TlsError as refused:
            raise forms.ValidationError(words(refused.sentence)) from refused

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("without_sni") and values.get("server_name"):
            self.add_error("server_name", _l("Either send this name, or none."))
        if is_address(values.get("server_name", "")):
            self.add_error("server_name", _l("TLS sends host names only, no IP addresses."))
        return values

    def question(self) -> Question:
        """What a valid form asks."""
        values = self.cleaned_data
        sent = "" if values["without_sni"] else values["server_name"] or None
        return ask(values["target"], name=values["name"], server_name=sent)
