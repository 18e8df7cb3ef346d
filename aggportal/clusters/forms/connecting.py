"""The three ways to connect a cluster. What is secret is taken in and never written into a page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.kube.errors import KubeError
from aggportal.kube.kubeconfig import Context, Kubeconfig, connection_for, parse_kubeconfig
from aggportal.web.forms import ForgetfulTextarea, PortalForm
from aggportal.web.sentences import visible, words

MAX_NAME = 100
_LARGEST_FILE = 200_000


def said(error: KubeError) -> str:
    """The error's sentence and its remedy, translated."""
    remedy = f" {words(error.remedy)}" if error.remedy else ""
    return f"{words(error.sentence)}{remedy}"


class ClusterForm(PortalForm):
    """What all ways share: a name, which is not asked when credentials are replaced."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=MAX_NAME,
        help_text=gettext_lazy("How people call this cluster, as in prod-shanghai."),
    )
    # The field that is to blame when the cluster cannot be reached.
    reach = "name"

    def __init__(self, *args: Any, named: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if named:
            del self.fields["name"]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if visible(name) != name:
            raise forms.ValidationError(_("The name holds characters that cannot be seen."))
        return name

    def refuse(self, error: KubeError) -> None:
        """Put what went wrong beside the field that it belongs to."""
        field = error.field if error.field in self.fields else self.reach
        self.add_error(field if field in self.fields else None, said(error))


class KubeconfigForm(PortalForm):
    """Paste, drop or upload a kubeconfig."""

    kubeconfig = forms.CharField(
        label=gettext_lazy("kubeconfig"),
        required=False,
        widget=ForgetfulTextarea(
            attrs={"rows": 12, "class": "mono", "spellcheck": "false", "autocomplete": "off",
                   "data-drop": ""}
        ),
        help_text=gettext_lazy(
            "Paste it or drop the file here. Credentials are encrypted at once and never shown "
            "again. Good to paste: kubectl config view --raw --flatten --minify"
        ),
    )  # fmt: skip
    file = forms.FileField(
        label=gettext_lazy("Or choose the file"),
        required=False,
        widget=forms.FileInput(attrs={"data-file-into": "id_kubeconfig"}),
    )

    def clean(self) -> dict[str, object]:
        text = self.cleaned_data.get("kubeconfig") or self._uploaded()
        if not text.strip():
            self.add_error("kubeconfig", _("Paste a kubeconfig, or choose its file."))
            return self.cleaned_data
        try:
            _require_usable(parse_kubeconfig(text))
        except KubeError as error:
            self.add_error("kubeconfig", _lost(said(error), error))
        self.cleaned_data["text"] = text
        return self.cleaned_data

    def _uploaded(self) -> str:
        file = self.cleaned_data.get("file")
        if file is None:
            return ""
        if file.size > _LARGEST_FILE:
            self.add_error("file", _("This file is too large for a kubeconfig."))
            return ""
        return str(file.read().decode("utf-8", "replace"))


def _require_usable(kubeconfig: Kubeconfig) -> None:
    """Refuse, with the first reason, a kubeconfig of which no context can be used."""
    first = kubeconfig.current or kubeconfig.contexts[0].name
    if all(context.refusal for context in kubeconfig.contexts):
        connection_for(kubeconfig, first)


def _lost(text: str, error: KubeError) -> str:
    line = getattr(error, "line", 0)
    place = _(" (line %(line)s)") % {"line": line} if line else ""
    return f"{text}{place} " + _("What was pasted is not shown again; mend it and paste it anew.")


class ContextForm(ClusterForm):
    """Choose one of the contexts of a kubeconfig."""

    context = forms.ChoiceField(label=gettext_lazy("Context"), widget=forms.RadioSelect)
    reach = "context"

    def __init__(self, *args: Any, kubeconfig: Kubeconfig, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        usable = [each for each in kubeconfig.contexts if each.refusal is None]
        self.refused: list[Context] = [each for each in kubeconfig.contexts if each.refusal]
        field = self.fields["context"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = [
            (each.name, f"{visible(each.name)} – {visible(each.server)}") for each in usable
        ]
        chosen = next((each.name for each in usable if each.name == kubeconfig.current), None)
        chosen = chosen or (usable[0].name if usable else "")
        self.initial.setdefault("context", chosen)
        self.initial.setdefault("name", chosen[:MAX_NAME])


class TokenForm(ClusterForm):
    """Server, CA and token, each pasted."""

    server = forms.CharField(
        label=gettext_lazy("Server"),
        max_length=2048,
        widget=forms.TextInput(attrs={"placeholder": "https://10.0.0.1:6443", "class": "mono"}),
        help_text=gettext_lazy("The API server's own address, as it stands in a kubeconfig."),
    )
    ca_pem = forms.CharField(
        label=gettext_lazy("CA certificate (PEM)"),
        required=False,
        widget=forms.Textarea(
            attrs={"rows": 6, "class": "mono", "spellcheck": "false", "data-drop": ""}
        ),
        help_text=gettext_lazy("Signs the API server's certificate. Empty: the system's roots."),
    )
    token = forms.CharField(
        label=gettext_lazy("Token"),
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "class": "mono"}),
        help_text=gettext_lazy("Of a ServiceAccount; encrypted at once and never shown again."),
    )
    reach = "server"

    def clean_ca_pem(self) -> str:
        """A private key that was pasted here by mistake is not written back into the page."""
        pem = str(self.cleaned_data["ca_pem"])
        if "PRIVATE KEY" in pem:
            self.data = {each: self.data.get(each) for each in self.data} | {"ca_pem": ""}
            raise forms.ValidationError(
                _("This held a private key and was thrown away. Give the CA certificate only.")
            )
        return pem


class InClusterForm(ClusterForm):
    """The pod's own service account: nothing to type but a name."""
