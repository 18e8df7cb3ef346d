"""The fields of a request spec (cfssl's CSR JSON): what the JSON says of each, and back into the
same JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _l

from aggportal.pki.keys import DEFAULT_KEY
from aggportal.web.forms import PortalForm

Json = dict[str, object]
Data = dict[str, str]

KEY_CHOICES = (
    ("ecdsa-256", "ECDSA P-256"),
    ("ecdsa-384", "P-384"),
    ("ecdsa-521", "P-521"),
    ("rsa-2048", "RSA 2048"),
    ("rsa-3072", "RSA 3072"),
    ("rsa-4096", "RSA 4096"),
    ("ed25519", "Ed25519"),
)
CA_FIELDS = ("ca_expiry", "ca_pathlen", "ca_permitted", "ca_excluded")
NAME_FIELDS = ("C", "ST", "L", "O", "OU", "E")


class SpecForm(PortalForm):
    """The fields that every request spec has.

    The core judges the values; the fields only carry them.
    """

    CN = forms.CharField(
        label=_l("Common name (CN)"),
        required=False,
        strip=False,
        help_text=_l(
            "Kubernetes reads the CN of a client certificate as the user name. For a serving "
            "certificate only the hosts count."
        ),
    )
    hosts = forms.CharField(
        label=_l("Hosts, one per line"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 5, "class": "mono", "spellcheck": "false"}),
        help_text=_l("DNS names, IP addresses, e-mail addresses or URIs, without port."),
    )
    key = forms.ChoiceField(
        label=_l("Key"), required=False, choices=KEY_CHOICES, widget=forms.RadioSelect
    )
    serialnumber = forms.CharField(
        label=_l("Serial number in the subject"),
        required=False,
        strip=False,
        help_text=_l("A name of the subject (X.520 serialNumber), not the certificate's serial."),
    )
    ca_expiry = forms.CharField(
        label=_l("Lives for (ca.expiry)"),
        required=False,
        strip=False,
        help_text=_l(
            "Hours, minutes, seconds; 87600h is 3650 days. Everything that it signed stops working "
            "with it. Empty is cfssl's 43800h."
        ),
    )
    ca_pathlen = forms.CharField(
        label=_l("Authorities below it (ca.pathlen)"),
        required=False,
        help_text=_l("0 lets it issue end certificates only; empty is no limit (CA:TRUE alone)."),
    )
    ca_permitted = forms.CharField(
        label=_l("May name only, one per line"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_l(
            "DNS:svc is svc and all below it; IP:10.0.0.0/8; email:example.com; URI:.example.com; "
            "DN:O=k8s (which Go, and so Kubernetes, refuses). A kind without a line stays open."
        ),
    )
    ca_excluded = forms.CharField(
        label=_l("May never name, one per line"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_l("The same kinds. This goes before what it may name."),
    )

    def __init__(self, *args: Any, for_authority: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("hosts",) if for_authority else CA_FIELDS:
            del self.fields[name]
        if for_authority:
            self.fields["CN"].help_text = _l(
                "The authority's own name. Give every authority a name of its own: an equal "
                "subject "
                "of authority and certificate confuses OpenSSL (error 18)."
            )


class NameForm(PortalForm):
    """One entry of `names`."""

    C = forms.CharField(label=_l("Country (C)"), required=False, strip=False)
    ST = forms.CharField(label=_l("State or province (ST)"), required=False, strip=False)
    L = forms.CharField(label=_l("Locality (L)"), required=False, strip=False)
    O = forms.CharField(  # noqa: E741  # cfssl's own key
        label=_l("Organisation (O)"),
        required=False,
        strip=False,
        help_text=_l("Kubernetes reads every O of a client certificate as a group."),
    )
    OU = forms.CharField(label=_l("Unit (OU)"), required=False, strip=False)
    E = forms.CharField(label=_l("E-mail (E)"), required=False, strip=False)


def spelled(document: Mapping[str, object], key: str) -> str:
    """Return `key` as the document spells it: cfssl reads keys regardless of case."""
    if key in document:
        return key
    return next((name for name in document if name.lower() == key.lower()), key)


def get(document: Mapping[str, object], key: str) -> object:
    """Return the value under `key`, however it is spelled."""
    return document.get(spelled(document, key))


def text_of(value: object) -> str:
    """Return a field's text for a JSON value; what is no text stays for the core to refuse."""
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return ""
    # A page cannot carry lone surrogates.
    return str(value).encode("utf-8", "replace").decode("utf-8")


def objects(value: object) -> Json:
    """Return a JSON object, empty where there is none."""
    return dict(value) if isinstance(value, dict) else {}


def spec_data(document: Mapping[str, object]) -> Data:
    """Return what the fields of `SpecForm` show for a document."""
    hosts, ca = get(document, "hosts"), objects(get(document, "ca"))
    pathlen = text_of(get(ca, "pathlen"))
    constraints = objects(get(ca, "name_constraints"))
    return {
        "CN": text_of(get(document, "CN")),
        "hosts": "\n".join(text_of(host) for host in hosts) if isinstance(hosts, list) else "",
        "key": key_choice(get(document, "key")),
        "serialnumber": text_of(get(document, "serialnumber")),
        "ca_expiry": text_of(get(ca, "expiry")),
        "ca_pathlen": "0" if get(ca, "pathlenzero") is True else "" if pathlen == "0" else pathlen,
        "ca_permitted": _lines(get(constraints, "permitted")),
        "ca_excluded": _lines(get(constraints, "excluded")),
    }


def _lines(value: object) -> str:
    return "\n".join(text_of(line) for line in value) if isinstance(value, list) else ""


def key_choice(value: object) -> str:
    """Return the radio button for a `key` object; an absent one is cfssl's default."""
    if not isinstance(value, dict):
        return f"{DEFAULT_KEY.algo}-{DEFAULT_KEY.size}" if value is None else ""
    algo, size = text_of(get(value, "algo")), text_of(get(value, "size"))
    return algo if algo == "ed25519" else f"{algo}-{size}"


def entries_of(document: Mapping[str, object]) -> list[Json]:
    """Return the entries of `names`; what is no object counts as empty."""
    names = get(document, "names")
    return [objects(entry) for entry in names] if isinstance(names, list) else []


def name_data(entry: Mapping[str, object], index: int) -> Data:
    """Return what the fields of a `NameForm` show for an entry."""
    return {f"names-{index}-{key}": text_of(get(entry, key)) for key in NAME_FIELDS}


def write_spec(document: Json, field: str, value: str) -> None:
    """Write one changed field into the document, under the key that it has there."""
    if field == "hosts":
        document[spelled(document, "hosts")] = [line for line in value.split("\n") if line]
    elif field == "key":
        algo, _, size = value.partition("-")
        sized: Json = {"algo": algo, "size": int(size)} if size.isdecimal() else {"algo": algo}
        document[spelled(document, "key")] = sized
    elif field.startswith("ca_"):
        _write_ca(document, field.removeprefix("ca_"), value)
    else:
        write_text(document, field, value)


def write_text(document: Json, key: str, value: str) -> None:
    """Set a text, or remove it where the field was emptied."""
    if value:
        document[spelled(document, key)] = value
    else:
        document.pop(spelled(document, key), None)


def _write_ca(document: Json, key: str, value: str) -> None:
    ca_key = spelled(document, "ca")
    ca = objects(document.get(ca_key))
    if key == "pathlen":
        ca.pop(spelled(ca, "pathlenzero"), None)
        number = value.strip()
        write_text(ca, "pathlen", number)
        if number.isascii() and number.isdecimal() and len(number) < 10:
            ca[spelled(ca, "pathlen")] = int(number)
            if int(number) == 0:
                ca["pathlenzero"] = True
    elif key in ("permitted", "excluded"):
        _write_constraints(ca, key, value)
    else:
        write_text(ca, key, value)
    document[ca_key] = ca


def _write_constraints(ca: Json, key: str, value: str) -> None:
    constraints = objects(get(ca, "name_constraints"))
    constraints.pop(spelled(constraints, key), None)
    lines = [line.strip() for line in value.split("\n") if line.strip()]
    if lines:
        constraints[key] = lines
    if constraints:
        ca[spelled(ca, "name_constraints")] = constraints
    else:
        ca.pop(spelled(ca, "name_constraints"), None)
