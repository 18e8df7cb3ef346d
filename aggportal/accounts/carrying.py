"""What a form has sent, carried over while its sender confirms who they are.

Secrets and files are not carried: a page that shows them again would be a copy of them. Their names
are, and they are asked for once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.http import url_has_allowed_host_and_scheme

# Names of fields that hold a secret; `again` repeats a passphrase.
_SECRET_NAME = re.compile(
    r"pass(word|phrase)|secret|token|private|credential|kubeconfig|(^|_)(pin|again|key_pem)$",
    re.IGNORECASE,
)
# A private key in PEM, and the beginning of one in base64 as a kubeconfig holds it.
_SECRET_VALUE = re.compile(r"PRIVATE KEY-----|LS0tLS1CRUdJTi|client-key-data|whsec_")
_LONG = 200
PROOF = "proof_"
KINDS = ("file", "line", "text")
KEPT = "accounts.kept"
KEPT_FIELD = "field:"
# In characters; a session is a row of the database.
MAX_KEPT = 200_000
_NOT_CARRIED = frozenset({"csrfmiddlewaretoken"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One value that is sent again as it was."""

    name: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Lost:
    """What must be given again: a file, a line or a longer text that is a secret."""

    name: str
    kind: str
    several: bool = False
    missing: bool = False

    @property
    def label(self) -> str:
        """The field's name as a person reads it."""
        return self.name.replace("_", " ").replace("-", " ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Carried:
    """A form's content: `fields` go along, `lost` are asked for again."""

    fields: tuple[Field, ...]
    lost: tuple[Lost, ...]

    @property
    def has_files(self) -> bool:
        return any(lost.kind == "file" for lost in self.lost)


def is_secret(name: str, value: str) -> bool:
    """Tell whether a field must not be shown again, by its name or by what it holds."""
    return bool(_SECRET_NAME.search(name) or _SECRET_VALUE.search(value))


def carry(request: HttpRequest) -> Carried:
    """Take apart what `request` sent; what was asked for again before is asked for again."""
    fields: list[Field] = []
    lost: dict[str, Lost] = {}
    for name, values in request.POST.lists():
        if name in _NOT_CARRIED or name.startswith(PROOF):
            continue
        for value in map(str, values):
            if value and is_secret(name, value):
                kind = "text" if len(value) > _LONG or "\n" in value else "line"
                lost[name] = Lost(name=name, kind=kind)
            else:
                fields.append(Field(name=name, value=value))
    for name in request.FILES:
        several = len(request.FILES.getlist(name)) > 1
        lost[name] = Lost(name=name, kind="file", several=several)
    for again in _asked_before(request):
        lost.setdefault(again.name, again)
    kept = tuple(field for field in fields if field.name not in lost)
    return Carried(fields=kept, lost=tuple(lost.values()))


def still_missing(request: HttpRequest) -> frozenset[str]:
    """Return what was asked for again and was not given."""
    return frozenset(lost.name for lost in _asked_before(request) if lost.missing)


def _asked_before(request: HttpRequest) -> list[Lost]:
    found = []
    for text in request.POST.getlist(f"{PROOF}again"):
        kind, _, name = str(text).partition(":")
        given = request.FILES.get(name) if kind == "file" else request.POST.get(name)
        if kind in KINDS and name:
            found.append(Lost(name=name, kind=kind, missing=not given))
    return found


def without_proof(posted: QueryDict) -> QueryDict:
    """Return the form as its view expects it, without what proved the sender."""
    kept = posted.copy()
    for name in [name for name in kept if name.startswith(PROOF)]:
        del kept[name]
    kept._mutable = False  # as Django hands it out
    return kept


def keep(request: HttpRequest) -> bool:
    """Keep in the session what the confirmation page carries, while its person is elsewhere.

    False where it is too much, or not for a page of ours.
    """
    path = str(request.POST.get("path", ""))
    marked = len(KEPT_FIELD)
    fields = [
        [name[marked:], str(value)]
        for name, values in request.POST.lists()
        if name.startswith(KEPT_FIELD)
        for value in values
    ]
    size = sum(len(name) + len(value) for name, value in fields)
    ours = url_has_allowed_host_and_scheme(path, allowed_hosts=None) and path.startswith("/")
    if not ours or size > MAX_KEPT or any(is_secret(name, value) for name, value in fields):
        return False
    request.session[KEPT] = {
        "path": path,
        "fields": fields,
        "again": list(map(str, request.POST.getlist("again"))),
    }
    return True


def take_kept(request: HttpRequest) -> tuple[str, Carried] | None:
    """Take back what was kept: where it goes, and what it is."""
    kept = request.session.pop(KEPT, None)
    if not isinstance(kept, dict):
        return None
    pairs = [text.partition(":") for text in kept["again"]]
    lost = tuple(Lost(name=name, kind=kind) for kind, _, name in pairs if kind in KINDS and name)
    fields = tuple(Field(name=name, value=value) for name, value in kept["fields"])
    return kept["path"], Carried(fields=fields, lost=lost)
