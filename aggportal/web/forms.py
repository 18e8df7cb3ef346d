"""What all forms of the portal share: Bootstrap's classes on their widgets, and clean text."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

_CLASS_OF = (
    (forms.CheckboxInput, "form-check-input"),
    (forms.RadioSelect, "form-check-input"),
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
)


class ForgetfulTextarea(forms.Textarea):
    """A text area that never shows again what was sent: it may be a secret."""

    def format_value(self, value: object) -> str | None:
        return None


def dress(field: forms.Field) -> None:
    """Give a field's widget the class that Bootstrap expects of its kind."""
    css = next(css for kind, css in _CLASS_OF if isinstance(field.widget, kind))
    present = field.widget.attrs.get("class", "")
    field.widget.attrs["class"] = f"{css} {present}".strip()


class PortalForm(forms.Form):
    """A form in the portal's look.

    `required` is said by the server, beside the field, not by the browser's bubble.
    """

    use_required_attribute = False

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own signature
        for field in self.fields.values():
            dress(field)


class TypedForm(PortalForm):
    """A deed that is confirmed by typing `expected`, to the letter.

    `asks` is the label; `wrong` says what was not done for something else that was typed.
    """

    asks = gettext_lazy("Type the name to confirm")
    wrong = gettext_lazy("This is not its name, so nothing was deleted. Type it exactly as shown.")

    confirm = forms.CharField(
        max_length=400,
        strip=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *args: object, expected: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.expected = expected
        self.fields["confirm"].label = self.asks
        self.fields["confirm"].widget.attrs["data-confirm-name"] = expected

    def clean_confirm(self) -> str:
        typed = str(self.cleaned_data["confirm"])
        if typed != self.expected:
            raise forms.ValidationError(self.wrong)
        return typed
