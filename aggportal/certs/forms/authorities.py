"""What a new authority is, beside its request spec: label, trust lane, file name, first profiles,
mode.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _l

from aggportal.certs.forms.config_editor import uploaded_text
from aggportal.certs.forms.naming import safe_base_name, seen_label
from aggportal.certs.forms.override import override_reason_field
from aggportal.certs.forms.starting_points import OWN, PRINT_DEFAULTS, RECOMMENDED, starting_config
from aggportal.certs.lane_words import LANE_WORDS
from aggportal.certs.models import Authority, KeyHome, Mode
from aggportal.pki.config import parse_config
from aggportal.pki.errors import PkiError
from aggportal.vault import tokens
from aggportal.web.forms import PortalForm
from aggportal.web.sentences import visible, words

# Who signs: a colon stands in no short name.
ITSELF, OUTSIDE, OURS = "", "outside:", "ours:"


class AuthorityForm(PortalForm):
    """Everything about a new authority that its certificate does not say."""

    label = forms.CharField(
        label=_l("Label"),
        max_length=80,
        help_text=_l("What people call it here, for example “front proxy, production 2026”."),
        error_messages={"required": _l("Give it a label, so that people can tell it from others.")},
    )
    lane = forms.ChoiceField(
        label=_l("Trust lane"),
        choices=[(lane.value, lane.label) for lane in LANE_WORDS.values()],
        widget=forms.RadioSelect,
        error_messages={"required": _l("Choose what it is for. This cannot be changed later.")},
    )
    signed_by = forms.ChoiceField(
        label=_l("Signed by"),
        required=False,
        help_text=_l(
            "One of ours: it becomes an intermediate, and whoever trusts that one trusts it. An "
            "outside CA: key and CSR are made here, and it comes to be when the certificate is "
            "brought back."
        ),
        error_messages={
            "invalid_choice": _l("There is no such authority any more. Choose another."),
        },
    )
    file_base = forms.CharField(
        label=_l("File name"),
        required=False,
        max_length=100,
        help_text=_l(
            "The files are called after it, as cfssljson -bare does: aggregator-ca gives "
            "aggregator-ca.pem. Empty is the CN with -ca."
        ),
    )
    start = forms.ChoiceField(
        label=_l("First profiles"),
        widget=forms.RadioSelect,
        initial=RECOMMENDED,
        choices=[
            (RECOMMENDED, _l("Recommended for the lane")),
            ("aggregator", _l("The recipe's aggregator")),
            (PRINT_DEFAULTS, _l("cfssl print-defaults config")),
            (OWN, _l("My ca-config.json")),
        ],
    )
    config = forms.CharField(
        label=_l("ca-config.json"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"rows": 8, "class": "mono", "spellcheck": "false", "data-drop": True}
        ),
        help_text=_l("Counts with “My ca-config.json” only. Paste it, or drop the file here."),
    )
    config_file = forms.FileField(
        label=_l("or choose the file"),
        required=False,
        widget=forms.FileInput(
            attrs={"accept": ".json,application/json", "data-file-into": "id_config"}
        ),
    )
    mode = forms.ChoiceField(
        label=_l("How closely to follow cfssl"),
        widget=forms.RadioSelect,
        initial=Mode.STRICT,
        choices=[
            (Mode.STRICT, _l("Its rules, without its traps")),
            (Mode.COMPAT, _l("Exactly as cfssl")),
        ],
    )

    key_home = forms.ChoiceField(
        label=_l("Where its key lives"),
        required=False,
        widget=forms.RadioSelect,
        initial=KeyHome.DATABASE,
        choices=KeyHome.choices,
        help_text=_l(
            "A token makes RSA keys and keys on P-256 and P-384, signs, and gives no key away: "
            "nobody can copy it, and no backup has it but the token's own."
        ),
    )
    key_may_leave = forms.BooleanField(
        label=_l("For cert-manager: its key may leave"),
        required=False,
        help_text=_l(
            "Only for an authority that another one signs. An administrator may then take its key "
            "as Secret and Issuer, each time with a reason that is recorded. Without the tick the "
            "key never leaves, and the tick cannot be set later."
        ),
    )
    override_reason = override_reason_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not tokens.is_configured():
            self.fields["key_home"].widget = forms.HiddenInput()
            self.fields["key_home"].choices = [KeyHome.choices[0]]  # type: ignore[attr-defined]  # ChoiceField's
        rows = Authority.objects.filter(retired_at=None).values_list("slug", "label")
        self.fields["signed_by"].choices = [  # type: ignore[attr-defined]  # ChoiceField's
            (ITSELF, _l("itself: a root of its own")),
            *((f"{OURS}{slug}", label) for slug, label in rows),
            (OUTSIDE, _l("an outside CA")),
        ]

    @property
    def is_outside(self) -> bool:
        """Tell whether an outside CA is to sign it."""
        return bool(self["signed_by"].value() == OUTSIDE)

    @property
    def parent(self) -> Authority | None:
        """The authority of ours that is to sign it; None for others and for a wrong choice."""
        value = self["signed_by"].value() or ITSELF
        if not value.startswith(OURS):
            return None
        rows = Authority.objects.select_related("key", "parent", "issued_as")
        return rows.filter(slug=value.removeprefix(OURS)).first()

    def clean_key_home(self) -> str:
        return self.cleaned_data["key_home"] or KeyHome.DATABASE

    def clean_label(self) -> str:
        return seen_label(self.cleaned_data["label"])

    def clean_file_base(self) -> str:
        return safe_base_name(self.cleaned_data["file_base"])

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        if values.get("start") != OWN:
            if values.get("config_file") or values.get("config", "").strip():
                self.add_error(
                    "start", _("A ca-config.json is given below. Choose it here, or take it away.")
                )
            values["signing_config"] = starting_config(
                values.get("start", RECOMMENDED), lane=values.get("lane", "")
            )
            return values
        text = uploaded_text(values.get("config_file")) or values.get("config", "")
        try:
            parse_config(text)
        except PkiError as refused:
            for problem in refused.problems:
                where = f"{visible(problem.field)}: " if problem.field else ""
                self.add_error("config", f"{where}{words(problem.sentence)}")
        values["signing_config"] = text
        return values
