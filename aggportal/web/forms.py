"""What all forms of the portal share: Bootstrap's classes on their widgets, and clean text."""

from __future__ import annotations

from django import forms

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
