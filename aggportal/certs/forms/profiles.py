"""One signing profile as fields: what `ca-config.json` says of it, and back into the same JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms
from django.forms.boundfield import BoundField, BoundWidget
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.usage_words import EXTENDED_USAGES, KEY_USAGES, USAGE_HELP
from aggportal.pki.errors import UnknownUsage
from aggportal.pki.usages import canonical_usage
from aggportal.web.forms import PortalForm

Json = dict[str, object]

_TEXTS = {"expiry": "expiry", "backdate": "backdate", "ocsp_url": "ocsp_url", "crl_url": "crl_url"}
_TEXTS |= {"name_whitelist": "name_whitelist"}
_SELDOM = (
    "is_ca",
    "path_length",
    "backdate",
    "name_whitelist",
    "crl_url",
    "ocsp_url",
    "issuer_urls",
    "ocsp_no_check",
    "copy_extensions",
    "auto_sign",
    "two_people",
)
# Keys that are true or absent.
_SWITCHES = ("ocsp_no_check", "copy_extensions", "auto_sign", "two_people")
_FIELD_OF_KEY = {
    "is_ca": "is_ca",
    "max_path_len": "path_length",
    "max_path_len_zero": "path_length",
    "ca_constraint": "is_ca",
}


class UsagesField(forms.MultipleChoiceField):
    """cfssl's usages as checkboxes.

    Any name passes: the core judges, and an unknown one stays visible.
    """

    widget = forms.CheckboxSelectMultiple

    def valid_value(self, value: Any) -> bool:  # Django's own signature
        return True


class ProfileForm(PortalForm):
    """One profile. The default profile has no name field."""

    name = forms.CharField(
        label=_l("Name"),
        required=False,
        max_length=100,
        help_text=_l(
            "Whoever asks for a certificate names the profile. Renaming touches nothing issued."
        ),
    )
    expiry = forms.CharField(
        label=_l("Certificates live for"),
        required=False,
        help_text=_l(
            "Hours, minutes, seconds: 8760h is a year, 2160h three months. There are no days."
        ),
    )
    usages = UsagesField(label=_l("Usages"), required=False)
    is_ca = forms.BooleanField(
        label=_l("Certificates of this profile are authorities themselves (CA:TRUE)"),
        required=False,
        help_text=_l(
            "Whoever holds one issues certificates that everyone who trusts this authority accepts."
        ),
    )
    path_length = forms.IntegerField(
        label=_l("Authorities below it, at most"),
        required=False,
        min_value=0,
        max_value=255,
        help_text=_l("Empty is no limit; 0 lets it issue end certificates only."),
    )
    backdate = forms.CharField(
        label=_l("Valid since, before issuing"),
        required=False,
        help_text=_l("Against clocks that are slow. Empty is 5m."),
    )
    name_whitelist = forms.CharField(
        label=_l("Names must match"),
        required=False,
        help_text=_l(
            "A regular expression (RE2). It is not anchored: write ^…$. It looks at CN, DNS, "
            "e-mail and URI names."
        ),
    )
    crl_url = forms.CharField(label=_l("Address of the revocation list"), required=False)
    ocsp_url = forms.CharField(label=_l("Address of the OCSP responder"), required=False)
    issuer_urls = forms.CharField(
        label=_l("Addresses of the authority's certificate"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_l("One per line."),
    )
    ocsp_no_check = forms.BooleanField(
        label=_l("For OCSP responders: do not ask whether this certificate is revoked"),
        required=False,
    )

    copy_extensions = forms.BooleanField(
        label=_l("Take over what a signing request asks for beyond names and usages"),
        required=False,
        help_text=_l(
            "copy_extensions in cfssl. Extensions that the profile or the authority decides are "
            "never taken over here, though cfssl would."
        ),
    )
    auto_sign = forms.BooleanField(
        label=_l("Sign requests at once, without anybody's decision"),
        required=False,
        help_text=_l(
            "auto_sign is our own key; cfssl passes over it. Whoever may issue hands in a signing "
            "request and has the certificate. Names that Kubernetes reserves still wait."
        ),
    )
    two_people = forms.BooleanField(
        label=_l("Two people: whoever asks needs another person's approval"),
        required=False,
        help_text=_l(
            "two_people is our own key; cfssl passes over it. Issuing, renewing and signing wait "
            "until somebody else approves the exact bytes. It does not go with auto_sign."
        ),
    )

    def __init__(self, *args: Any, named: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.named = named
        if not named:
            del self.fields["name"]
        self.fields["usages"].choices = _choices(self["usages"].value() or ())  # type: ignore[attr-defined]  # ours

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name:
            raise forms.ValidationError(
                _("Give the profile a name, for example front-proxy-client.")
            )
        return name

    @property
    def title(self) -> str:
        """The name that the profile goes by on the page."""
        return str(self["name"].value() or _("new profile")) if self.named else "default"

    @property
    def chosen(self) -> tuple[str, ...]:
        """The usages as they stand now, for the folded view."""
        return tuple(self["usages"].value() or ())

    @property
    def seldom(self) -> list[BoundField]:
        """The fields that stand under a disclosure."""
        return [self[name] for name in _SELDOM]

    @property
    def seldom_is_open(self) -> bool:
        return any(field.errors or field.value() for field in self.seldom)

    @property
    def usage_groups(self) -> Iterable[tuple[str, list[tuple[BoundWidget, str | Promise]]]]:
        """The checkboxes with their help, by group; unknown names form the last one."""
        boxes = {str(box.data["value"]): box for box in self["usages"].subwidgets}
        groups = ((_("Key usage"), KEY_USAGES), (_("Extended key usage"), EXTENDED_USAGES))
        for label, names in groups:
            yield label, [(boxes.pop(name), USAGE_HELP.get(name, "")) for name in names]
        if boxes:
            yield _("Unknown to cfssl"), [(box, "") for box in boxes.values()]

    def add_problem(self, key: str, words: str) -> None:
        """Put a refusal of the core beside the field that shows `key` (`usages[2]`,
        `ca_constraint.is_ca`).
        """
        parts = key.replace("[", ".").split(".")
        shown = [_FIELD_OF_KEY.get(part, part) for part in reversed(parts)]
        self.add_error(next((name for name in shown if name in self.fields), None), words)


def _choices(chosen: Iterable[str]) -> list[tuple[str, str]]:
    known = [*KEY_USAGES, *EXTENDED_USAGES]
    unknown = dict.fromkeys(name for name in chosen if name not in known)
    labels = {
        "signing": _("signing (digital signature)"),
        "email protection": _("email protection (s/mime)"),
    }
    return [(name, labels.get(name, name)) for name in (*known, *unknown)]


def profile_data(
    profile: Mapping[str, object], *, prefix: str, name: str | None = None
) -> dict[str, object]:
    """Return what a browser would post for `profile`; a value of a wrong type counts as absent."""
    constraint = _inner(profile, "ca_constraint")
    data: dict[str, object] = {field: _text(_get(profile, key)) for field, key in _TEXTS.items()}
    data["usages"] = list(dict.fromkeys(map(_canonical, _texts(_get(profile, "usages")))))
    data["issuer_urls"] = "\n".join(_texts(_get(profile, "issuer_urls")))
    data |= {field: _get(profile, field) is True for field in _SWITCHES}
    data["is_ca"] = _get(constraint, "is_ca") is True
    data["path_length"] = _path_length(constraint)
    if name is not None:
        data["name"] = _text(name)
    return {f"{prefix}-{field}": value for field, value in data.items()}


def write_profile(
    profile: Mapping[str, object], values: Mapping[str, Any], *, before: Mapping[str, Any]
) -> Json:
    """Return `profile` with those `values` that differ from `before`; whatever the form does not
    know stays.
    """
    changed = {field for field in values if values[field] != before.get(field)}
    written = dict(profile)
    for field in changed & _TEXTS.keys():
        _set(written, _TEXTS[field], values[field])
    if "usages" in changed:
        _set(written, "usages", _usages(_texts(_get(profile, "usages")), values["usages"]))
    if "issuer_urls" in changed:
        _set(written, "issuer_urls", values["issuer_urls"].split())
    for field in changed.intersection(_SWITCHES):
        _set(written, field, values[field])
    if changed & {"is_ca", "path_length"}:
        _set(written, "ca_constraint", _constraint(_inner(profile, "ca_constraint"), values))
    return written


def _usages(before: Iterable[str], chosen: Iterable[str]) -> list[str]:
    """Keep the document's own spelling and order of what stays; append what is new."""
    wanted = list(chosen)
    kept = [usage for usage in before if _canonical(usage) in wanted]
    have = {_canonical(usage) for usage in kept}
    return kept + [usage for usage in wanted if usage not in have]


def _constraint(before: Mapping[str, object], values: Mapping[str, Any]) -> Json:
    written = dict(before)
    length = values["path_length"]
    _set(written, "is_ca", values["is_ca"])
    _set(written, "max_path_len", length or 0)
    _set(written, "max_path_len_zero", length == 0 and length is not None)
    return written


def _canonical(usage: str) -> str:
    try:
        return canonical_usage(usage, field="usages")
    except UnknownUsage:
        return usage


def _path_length(constraint: Mapping[str, object]) -> str:
    length = _get(constraint, "max_path_len")
    if isinstance(length, int) and not isinstance(length, bool) and length:
        return str(length)
    return "0" if _get(constraint, "max_path_len_zero") is True else ""


def spelling(document: Mapping[str, object], key: str) -> str:
    """Return the document's own spelling of `key`: cfssl matches keys regardless of case."""
    return next((k for k in document if k.casefold() == key.casefold()), key)


def _get(document: Mapping[str, object], key: str) -> object:
    return document.get(spelling(document, key))


def _set(document: Json, key: str, value: object) -> None:
    if value in ("", [], {}, 0, False):
        document.pop(spelling(document, key), None)
    else:
        document[spelling(document, key)] = value


def _inner(document: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = _get(document, key)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    """Return a text that a page can carry: no lone surrogates."""
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return (
        [_text(item) for item in value if isinstance(item, str)] if isinstance(value, list) else []
    )
