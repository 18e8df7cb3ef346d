"""Several files in one field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _l


class _SeveralFiles(forms.ClearableFileInput):
    """A file input for several files."""

    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """Several files, none of them kept: at most `most`, each of at most `largest` bytes.

    A form that says it in other words gives its own `error_messages`: `too_many` (count, limit) and
    `too_large` (size, limit).
    """

    widget = _SeveralFiles
    default_error_messages = {
        "too_many": _l("These are %(count)d files; give at most %(limit)d at once."),
        "too_large": _l("A file of %(size)d bytes is too large; at most %(limit)d are read."),
    }

    def __init__(self, *, most: int, largest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.most, self.largest = most, largest

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if len(files) > self.most:
            raise self._refusal("too_many", count=len(files), limit=self.most)
        for file in files:
            if file.size > self.largest:
                raise self._refusal("too_large", size=file.size, limit=self.largest)
        return list(files)

    def _refusal(self, code: str, **numbers: int) -> forms.ValidationError:
        return forms.ValidationError(self.error_messages[code], code=code, params=numbers)
