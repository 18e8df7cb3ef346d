"""The typed names that applying and removing a set ask for, and what else is to be allowed."""

from __future__ import annotations

from collections.abc import Sequence

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from aggportal.web.forms import TypedForm

Choices = Sequence[tuple[str, str]]


class ApplyForm(TypedForm):
    """Type the set's name; every object of others that it would change needs a tick."""

    wrong = gettext_lazy("This is not its name, so nothing was applied. Type it exactly as shown.")

    allowed = forms.MultipleChoiceField(
        label=gettext_lazy("May be taken over"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "invalid_choice": gettext_lazy(
                "What is there changed since the page was shown. Look at it again."
            )
        },
        help_text=gettext_lazy(
            "They are there already and belong to somebody else. What is taken over is changed "
            "now, and goes when the set is removed."
        ),
    )

    def __init__(
        self, *args: object, expected: str, foreign: Choices = (), **kwargs: object
    ) -> None:
        super().__init__(*args, expected=expected, **kwargs)
        self.foreign = tuple(foreign)
        self.fields["allowed"].choices = self.foreign  # type: ignore[attr-defined]

    def clean_allowed(self) -> list[str]:
        ticked = list(self.cleaned_data["allowed"])
        if set(ticked) != {value for value, _label in self.foreign}:
            raise forms.ValidationError(
                _(
                    "The set is applied as a whole: tick each of these, or choose another name or "
                    "namespace for the server."
                )
            )
        return ticked


class RemoveForm(TypedForm):
    """Type the set's name; its namespace goes too where that is ticked."""

    wrong = gettext_lazy("This is not its name, so nothing was removed. Type it exactly as shown.")

    with_namespace = forms.BooleanField(
        label=gettext_lazy("Delete the namespace as well"),
        required=False,
        help_text=gettext_lazy(
            "Only if nothing else is left in it: that is looked at when all the rest is gone."
        ),
    )
