"""What is to become of each thing that was brought."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.naming import safe_base_name, seen_label
from aggportal.certs.forms.proxy_names import ProxyNamesForm
from aggportal.certs.forms.starting_points import OWN, PRINT_DEFAULTS, RECOMMENDED, starting_config
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.models import Mode
from aggportal.pki.config import parse_config
from aggportal.pki.errors import PkiError
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import visible, words

_CAME = "came-"
RESERVED = frozenset({"new", "import"})


class _Optional(PortalForm):
    """A form that counts only when its tick is set; without it nothing in it is wrong."""

    take = forms.BooleanField(label=_l("Import it"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.is_bound and not self.is_taken:
            for field in self.fields.values():
                field.required = False

    @property
    def is_taken(self) -> bool:
        """Whether the tick is set, as it came."""
        return bool(self["take"].value())


class AuthorityChoicesForm(_Optional, ProxyNamesForm):
    """What a brought authority is to be here."""

    label = forms.CharField(
        label=_l("Label"),
        max_length=80,
        error_messages={"required": _l("Give it a label, so that people can tell it from others.")},
    )
    slug = forms.SlugField(
        label=_l("Short name"),
        max_length=56,
        help_text=_l("Its address: /authorities/short-name/. Letters, digits and dashes."),
        error_messages={"required": _l("Give it a short name.")},
    )
    lane = forms.ChoiceField(
        label=_l("Trust lane"),
        choices=[("", _l("Choose …")), *((w.value, w.label) for w in LANE_WORDS.values())],
        help_text=_l("What it is for. This cannot be changed later."),
        error_messages={"required": _l("Choose what it is for. This cannot be changed later.")},
    )
    start = forms.ChoiceField(label=_l("Profiles"))
    config = forms.CharField(
        label=_l("ca-config.json"),
        required=False,
        strip=False,
        max_length=64 * 1024,
        widget=forms.Textarea(
            attrs={"rows": 5, "class": "mono", "spellcheck": "false", "data-drop": True}
        ),
        help_text=_l("Counts with “My ca-config.json” only."),
    )
    file_base = forms.CharField(
        label=_l("File name"),
        max_length=100,
        help_text=_l("aggregator-ca gives aggregator-ca.pem."),
    )
    mode = forms.ChoiceField(
        label=_l("How closely to follow cfssl"),
        initial=Mode.STRICT,
        choices=[
            (Mode.STRICT, _l("Its rules, without its traps")),
            (Mode.COMPAT, _l("Exactly as cfssl")),
        ],
    )
    override_reason = forms.CharField(
        label=_l("Why the lanes may mix"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_l(
            "Only where it was refused for mixing lanes. Whoever looks at the audit reads it."
        ),
    )

    def __init__(self, *args: Any, configs: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        """`configs` are (file name, text) of the CA configs that lay beside the certificate."""
        super().__init__(*args, **kwargs)
        self._configs = configs
        self.fields["start"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            *((f"{_CAME}{n}", visible(name)) for n, (name, _text) in enumerate(configs)),
            (RECOMMENDED, _l("Recommended for the lane")),
            ("aggregator", _l("The recipe's aggregator")),
            (PRINT_DEFAULTS, _l("cfssl print-defaults config")),
            (OWN, _l("My ca-config.json")),
        ]

    def clean_label(self) -> str:
        label: str = self.cleaned_data["label"]
        return seen_label(label) if self.is_taken else label

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED:
            raise forms.ValidationError(_("This short name is the portal's own. Choose another."))
        return slug

    def clean_file_base(self) -> str:
        base: str = self.cleaned_data["file_base"]
        return safe_base_name(base) if self.is_taken else base

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        start = values.get("start", "")
        if start.startswith(_CAME):
            values["signing_config"] = self._configs[int(start.removeprefix(_CAME))][1]
        elif start != OWN:
            values["signing_config"] = starting_config(start, lane=values.get("lane", ""))
        elif self.is_taken:
            values["signing_config"] = self._own_config(values.get("config", ""))
        return values

    def _own_config(self, text: str) -> str:
        try:
            parse_config(text)
        except PkiError as refused:
            for problem in refused.problems:
                where = f"{visible(problem.field)}: " if problem.field else ""
                self.add_error("config", f"{where}{words(problem.sentence)}")
        return text


class CertificateChoicesForm(_Optional):
    """Whether a brought certificate is watched, and whether its key is kept."""

    key = forms.ChoiceField(
        label=_l("Its private key"),
        required=False,
        choices=[
            ("no", _l("leave it out")),
            ("yes", _l("keep it sealed; an issuer may take it")),
            ("never", _l("keep it sealed; it never leaves")),
        ],
    )

    def __init__(self, *args: Any, has_key: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not has_key:
            del self.fields["key"]

    @property
    def keeps_key(self) -> bool:
        """Whether the key is to be kept (of a valid form)."""
        return self.cleaned_data.get("key", "no") in ("yes", "never")

    @property
    def exportable(self) -> bool:
        """Whether a kept key may leave again (of a valid form)."""
        return self.cleaned_data.get("key") != "never"
