"""The request spec as a form and as cfssl JSON: two views of one document, whichever was edited
counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from aggportal.certs.forms.sides import BothSidesEdited, Side, edited_side
from aggportal.certs.forms.spec_fields import (
    NAME_FIELDS,
    Json,
    NameForm,
    SpecForm,
    entries_of,
    get,
    name_data,
    objects,
    spec_data,
    spelled,
    write_spec,
    write_text,
)
from aggportal.pki.errors import InvalidJson, PkiError
from aggportal.pki.explaining import HostChip, explain_hosts
from aggportal.pki.hosts import classify_hosts
from aggportal.pki.jsontext import dump_json, parse_json
from aggportal.pki.requests import load_request_spec
from aggportal.pki.specs import RequestSpec
from aggportal.web.sentences import visible, words

Posted = Mapping[str, str]

MAX_NAMES = 10
_SPEC_KEYS = frozenset(
    [
        "CN",
        "hosts",
        "key",
        "names",
        "serialnumber",
        "ca",
        "extensions",
        "delegation_enabled",
        "crl_url",
    ]
)
_INDEX = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestView:
    """What the page shows: `text` is the JSON view, `form` and `names` the fields, `base` what both
    were made from.

    `problems` stand beside the JSON. `spec` is None while anything is refused. `both` asks which of
    two edited views to keep. `edited` is the side that counted, None where nothing could be read.
    """

    text: str
    base: str
    form: SpecForm
    names: tuple[NameForm, ...]
    for_authority: bool
    strict: bool = True
    problems: tuple[str, ...] = ()
    errors: tuple[PkiError, ...] = ()
    spec: RequestSpec | None = None
    both: bool = False
    edited: Side | None = None

    @property
    def chips(self) -> tuple[HostChip, ...]:
        """What each host becomes."""
        hosts = get(_parsed(self.text), "hosts")
        texts = [host for host in hosts if isinstance(host, str)] if isinstance(hosts, list) else []
        return explain_hosts(texts, compat=not self.strict)

    @property
    def nearest_spec(self) -> RequestSpec | None:
        """The spec, or for showing what it would be without the hosts that are refused."""
        document = _parsed(self.text)
        if self.spec or not document:
            return self.spec
        good = [chip.text for chip in self.chips if chip.san]
        try:
            return load_request_spec(
                {**document, spelled(document, "hosts"): good}, strict=self.strict
            )
        except PkiError:
            return None

    @property
    def names_open(self) -> bool:
        """Tell whether something stands in the folded part."""
        filled = any(form[name].value() for form in self.names for name in form.fields)
        return bool(
            filled or self.form["serialnumber"].value() or any(n.errors for n in self.names)
        )

    @property
    def limits_open(self) -> bool:
        """Tell whether name constraints stand there."""
        fields = [self.form[name] for name in ("ca_permitted", "ca_excluded")]
        return any(field.value() or field.errors for field in fields)

    @property
    def unknown(self) -> tuple[str, ...]:
        """Keys that cfssl would ignore silently."""
        return self.spec.unknown if self.spec else ()


def request_view(text: str, *, for_authority: bool, strict: bool = True) -> RequestView:
    """Show the document in `text`, each refusal beside its field. Raises `InvalidJson`."""
    document = parse_json(text)
    form, names = _forms(document, for_authority=for_authority)
    view = RequestView(
        text=text, base=text, form=form, names=names, for_authority=for_authority, strict=strict
    )
    for each in (form, *names):
        each.full_clean()
        each.errors.clear()  # the core judges, and says it in its own words
    try:
        return replace(view, spec=load_request_spec(document, strict=strict))
    except PkiError as refused:
        return with_refusal(view, refused)


def with_refusal(view: RequestView, refused: PkiError) -> RequestView:
    """Put what the core refuses beside its fields or the JSON; the view then has no spec."""
    placed = [_place(problem, view) for problem in refused.problems]
    problems = tuple(line for line in placed if line)
    return replace(
        view,
        problems=(*view.problems, *problems),
        errors=(*view.errors, *refused.problems),
        spec=None,
    )


def posted_request(
    post: Posted, *, for_authority: bool, strict: bool = True, uploaded: str = ""
) -> RequestView:
    """Read what came back: find the edited view and let the other follow.

    An uploaded file counts as JSON edited.
    """
    base = post.get("base", "{}")
    text = uploaded or post.get("text", base)
    before = _parsed(base)
    after = _merged(before, post) if "CN" in post else before
    form, names = _posted_forms(post, for_authority=for_authority)
    as_sent = RequestView(
        text=text, base=base, form=form, names=names, for_authority=for_authority, strict=strict
    )
    try:
        side = edited_side(
            base=base, text=text, fields_changed=after != before, keep=post.get("keep", "")
        )
        if side is Side.FIELDS:
            text = base if after == before else dumped(after)
        view = request_view(text, for_authority=for_authority, strict=strict)
    except BothSidesEdited as refused:
        return replace(as_sent, problems=(words(refused.sentence),), both=True)
    except InvalidJson as refused:
        if after != before and text == dumped(after):
            return _too_much_typed(as_sent, refused)
        return replace(as_sent, problems=(words(refused.sentence),), errors=(refused,))
    return replace(view, edited=side)


def _too_much_typed(view: RequestView, refused: InvalidJson) -> RequestView:
    """Say beside the field what is too much: nobody typed a document that is too large."""
    hosts = view.form["hosts"].value() if "hosts" in view.form.fields else ""
    try:
        classify_hosts(_unbroken(hosts or "").split("\n"))
    except PkiError as too_many:
        return with_refusal(view, too_many)
    return with_refusal(view, refused)


def with_entry_added(view: RequestView) -> RequestView:
    """Add an empty entry to `names`."""
    document = parse_json(view.text)
    entries = [*entries_of(document), *([{}] if not entries_of(document) else []), {}]
    document[spelled(document, "names")] = entries[:MAX_NAMES]
    return _rewritten(view, document)


def with_entry_removed(view: RequestView, index: str) -> RequestView:
    """Remove the entry of `names` whose button was pressed."""
    document = parse_json(view.text)
    entries = entries_of(document)
    if index.isascii() and index.isdecimal() and int(index[:4]) < len(entries):
        del entries[int(index[:4])]
    document[spelled(document, "names")] = entries
    return _rewritten(view, document)


def with_hosts_added(view: RequestView, hosts: Sequence[str]) -> RequestView:
    """Add names to `hosts`, each once."""
    document = parse_json(view.text)
    present = get(document, "hosts")
    kept = list(present) if isinstance(present, list) else []
    document[spelled(document, "hosts")] = [*kept, *(host for host in hosts if host not in kept)]
    return _rewritten(view, document)


def is_of_spec(path: str) -> bool:
    """Tell whether a refusal's path leads into a request spec, not into a profile or a choice."""
    return path.partition(".")[0].partition("[")[0] in _SPEC_KEYS


def dumped(document: Mapping[str, object]) -> str:
    """Write JSON; what UTF-8 cannot carry (a lone surrogate) stays the escape that it came as."""
    return dump_json(document).encode("utf-8", "backslashreplace").decode("utf-8")


def _rewritten(view: RequestView, document: Json) -> RequestView:
    fresh = request_view(dumped(document), for_authority=view.for_authority, strict=view.strict)
    return replace(fresh, edited=Side.JSON)


def _parsed(text: str) -> Json:
    try:
        return parse_json(text)
    except InvalidJson:
        return {}


def _forms(document: Json, *, for_authority: bool) -> tuple[SpecForm, tuple[NameForm, ...]]:
    entries = entries_of(document)[:MAX_NAMES] or [{}]
    names = tuple(
        NameForm(name_data(entry, i), prefix=f"names-{i}") for i, entry in enumerate(entries)
    )
    return SpecForm(spec_data(document), for_authority=for_authority), names


def _posted_forms(post: Posted, *, for_authority: bool) -> tuple[SpecForm, tuple[NameForm, ...]]:
    count = next((i for i in range(MAX_NAMES) if f"names-{i}-C" not in post), MAX_NAMES)
    names = tuple(NameForm(post, prefix=f"names-{i}") for i in range(max(count, 1)))
    return SpecForm(post, for_authority=for_authority), names


def _merged(before: Json, post: Posted) -> Json:
    """Write the changed fields into a copy of the document; everything else of it stays."""
    after = dict(before)
    shown = spec_data(before)
    for field, old in shown.items():
        new = _unbroken(post.get(field, old))
        if new != old.rstrip("\n"):
            write_spec(after, field, new)
    entries = _merged_entries(before, post)
    if entries != entries_of(before):
        after[spelled(after, "names")] = entries
    return after


def _merged_entries(before: Json, post: Posted) -> list[Json]:
    entries = entries_of(before)
    merged = [dict(entry) for entry in entries]
    for i in range(MAX_NAMES):
        if f"names-{i}-C" not in post:
            break
        old = objects(entries[i]) if i < len(entries) else {}
        entry = dict(old)
        shown = name_data(old, i)
        for key in NAME_FIELDS:
            new = _unbroken(post.get(f"names-{i}-{key}", ""))
            if new != shown[f"names-{i}-{key}"]:
                write_text(entry, key, new)
        if i < len(merged):
            merged[i] = entry
        elif entry:
            merged.append(entry)
    return merged


def _unbroken(value: str) -> str:
    """Browsers send line breaks as CR LF; a trailing one is only where the cursor stood."""
    return value.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n")


def _place(problem: PkiError, view: RequestView) -> str:
    """Put a refusal beside the field that it names; return it as a line for the JSON view."""
    text, path = words(problem.sentence), problem.field
    index = _INDEX.search(path)
    number = int(index[1]) if index else 0
    head, _dot, tail = path.partition(".")
    name = head.partition("[")[0]
    if name == "names" and number < len(view.names) and tail in view.names[number].fields:
        view.names[number].add_error(tail, text)
        return ""
    limits = tail.removeprefix("name_constraints.").partition("[")[0]
    field = {"ca": f"ca_{limits}", "key": "key"}.get(name, name)
    if field in ("ca_pathlenzero", "ca_backdate"):
        field = "ca_pathlen" if field.endswith("zero") else "ca_expiry"
    if field == "ca_name_constraints":
        field = "ca_permitted"
    if field in view.form.fields:
        line = _("line %(number)s: ") % {"number": number + 1} if index else ""
        view.form.add_error(field, f"{line}{text}")
        return ""
    return f"{visible(path)}: {text}" if path else text
