"""The whole `ca-config.json` as a form and as JSON: two views of one document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from aggportal.certs.forms.profiles import Json, ProfileForm, profile_data, spelling, write_profile
from aggportal.certs.forms.sides import BothSidesEdited, Side, edited_side
from aggportal.pki.config import SigningConfig, parse_config
from aggportal.pki.errors import InvalidJson, PkiError
from aggportal.pki.jsontext import MAX_BYTES, dump_json, parse_json
from aggportal.web.sentences import visible, words

Posted = Mapping[str, str]
Forms = tuple[ProfileForm, ...]

# Django reads at most DATA_UPLOAD_MAX_NUMBER_FIELDS fields; a larger config is edited as JSON.
MAX_FORMS = 12
DEFAULT_PREFIX = "default"


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigView:
    """What the page shows:

    `text` is the JSON view, `forms` the default profile and then the named ones.

    `base` is the JSON that both were made from. `problems` stand beside the JSON; `config` is None
    while there are any. `both` asks the person which of two edited views to keep. `edited` is the
    side that counted, None where nothing could be read. `opened` is the prefix of the form to
    unfold.
    """

    text: str
    base: str
    forms: Forms
    problems: tuple[str, ...] = ()
    config: SigningConfig | None = None
    both: bool = False
    edited: Side | None = None
    opened: str = ""

    @property
    def too_many(self) -> bool:
        """Tell whether there are more profiles than fields for them."""
        return not self.named and len(_signing(_parsed(self.base))[1]) > MAX_FORMS

    @property
    def default(self) -> ProfileForm:
        return self.forms[0]

    @property
    def named(self) -> Forms:
        return self.forms[1:]

    @property
    def kept(self) -> tuple[str, ...]:
        """The keys that cfssl would ignore; we keep them."""
        return self.config.unknown if self.config else ()


def config_view(text: str) -> ConfigView:
    """Show the document in `text`, each refusal beside its field. Raises `InvalidJson`."""
    forms = _forms_of(parse_json(text))
    for form in forms:
        form.full_clean()
    opened = (forms[1].prefix or "") if len(forms) == 2 else ""
    view = ConfigView(text=text, base=text, forms=forms, opened=opened)
    try:
        return replace(view, config=parse_config(text))
    except PkiError as refused:
        problems = tuple(_place(problem, forms) for problem in refused.problems)
    return replace(view, problems=problems)


def posted_view(post: Posted, *, uploaded: str = "") -> ConfigView:
    """Read what came back: find the edited view and let the other follow.

    An uploaded file counts as JSON edited.
    """
    base = post.get("base", "")
    text = uploaded or post.get("text", base)
    before = _forms_of(_parsed(base))
    # A program may send the JSON alone.
    forms = _posted_forms(post, before) if f"{DEFAULT_PREFIX}-expiry" in post else before
    invalid = [form for form in forms if not form.is_valid()]
    as_sent = ConfigView(text=text, base=base, forms=forms)
    try:
        side = edited_side(
            base=base, text=text, fields_changed=_differ(forms, before), keep=post.get("keep", "")
        )
        if side is Side.JSON:
            return replace(config_view(text), edited=side)
    except BothSidesEdited as refused:
        return replace(as_sent, problems=(words(refused.sentence),), both=True)
    except InvalidJson as refused:
        return replace(as_sent, problems=(words(refused.sentence),))
    if invalid or not _distinct(forms):
        return replace(as_sent, text=base, problems=(_("The fields beside need mending first."),))
    merged = _merged(_parsed(base), forms, before)
    return replace(config_view(base if merged == _parsed(base) else _dumped(merged)), edited=side)


def add_profiles(view: ConfigView, profiles: Mapping[str, object]) -> ConfigView:
    """Add `profiles` (name → JSON) at the end; those whose name is taken are refused by name."""
    document = parse_json(view.text)
    signing, present = _signing(document)
    taken = [name for name in profiles if name in present]
    signing[spelling(signing, "profiles")] = present | {
        k: v for k, v in profiles.items() if k not in taken
    }
    added = config_view(_dumped(document))
    added = replace(added, opened=added.forms[-1].prefix or "")
    if not taken:
        return added
    refusal = _("A profile %(name)s is there already; rename or remove it first.")
    return replace(
        added, problems=(*added.problems, *(refusal % {"name": visible(name)} for name in taken))
    )


def remove_profile(view: ConfigView, index: str) -> ConfigView:
    """Take away the named profile at `index` (as sent by its button)."""
    document = parse_json(view.text)
    signing, present = _signing(document)
    names = list(present)
    if index.isascii() and index.isdecimal() and int(index[:4]) < len(names):
        del present[names[int(index[:4])]]
    signing[spelling(signing, "profiles")] = present
    return config_view(_dumped(document))


def use_addresses(view: ConfigView, index: str, addresses: Mapping[str, object]) -> ConfigView:
    """Write `addresses` (cfssl's crl_url, ocsp_url, issuer_urls) into the named profile at `index`,
    or into the default one, whose addresses pass on to those without their own.
    """
    document = parse_json(view.text)
    signing, present = _signing(document)
    names = list(present)
    if index.isascii() and index.isdecimal() and int(index[:4]) < len(names):
        name, opened = names[int(index[:4])], f"p{int(index[:4])}"
        present[name] = _with_keys(_objects(present[name]), addresses)
        signing[spelling(signing, "profiles")] = present
    else:
        key, opened = spelling(signing, "default"), DEFAULT_PREFIX
        signing[key] = _with_keys(_objects(signing.get(key)), addresses)
    return replace(config_view(_dumped(document)), opened=opened)


def _with_keys(profile: Json, values: Mapping[str, object]) -> Json:
    return profile | {spelling(profile, key): value for key, value in values.items()}


def uploaded_text(upload: object) -> str:
    """Return an uploaded file as text, cut just beyond the size that the core refuses."""
    read = getattr(upload, "read", None)
    return read(MAX_BYTES + 1).decode("utf-8", "replace") if read else ""


def _signing(document: Json) -> tuple[Json, Json]:
    """Return `signing` (made if need be, part of `document`) and a copy of its profiles."""
    key = spelling(document, "signing")
    signing = document[key] = _objects(document.get(key))
    return signing, _objects(signing.get(spelling(signing, "profiles")))


def _dumped(document: Json) -> str:
    """Write JSON; what UTF-8 cannot carry (a lone surrogate) stays the escape that it came as."""
    return dump_json(document).encode("utf-8", "backslashreplace").decode("utf-8")


def _parsed(text: str) -> Json:
    try:
        return parse_json(text)
    except InvalidJson:
        return {}


def _objects(value: object) -> Json:
    return dict(value) if isinstance(value, dict) else {}


def _forms_of(document: Mapping[str, object]) -> Forms:
    signing = _objects(document.get(spelling(document, "signing")))
    default = _objects(signing.get(spelling(signing, "default")))
    profiles = list(_objects(signing.get(spelling(signing, "profiles"))).items())
    shown = enumerate(profiles if len(profiles) <= MAX_FORMS else [])
    data = profile_data(default, prefix=DEFAULT_PREFIX)
    return (
        ProfileForm(data, prefix=DEFAULT_PREFIX, named=False),
        *(
            ProfileForm(profile_data(_objects(profile), prefix=f"p{i}", name=name), prefix=f"p{i}")
            for i, (name, profile) in shown
        ),
    )


def _posted_forms(post: Posted, before: Forms) -> Forms:
    return tuple(ProfileForm(post, prefix=form.prefix, named=form.named) for form in before)


def _differ(forms: Sequence[ProfileForm], before: Sequence[ProfileForm]) -> bool:
    pairs = zip(forms, before, strict=True)
    return any(a.is_valid() != b.is_valid() or a.cleaned_data != b.cleaned_data for a, b in pairs)


def _distinct(forms: Forms) -> bool:
    names = [form.cleaned_data["name"] for form in forms[1:]]
    for i, form in enumerate(forms[1:]):
        if form.cleaned_data.get("name") in names[:i]:
            form.add_error("name", _("Another profile has this name already."))
    return len(set(names)) == len(names)


def _merged(document: Json, forms: Forms, before: Forms) -> Json:
    """Write the fields into `document`, from which `before` was made: the forms stand in its
    profiles' order.
    """
    signing = _objects(document.get(spelling(document, "signing")))
    default_key, profiles_key = spelling(signing, "default"), spelling(signing, "profiles")
    profiles = _objects(signing.get(profiles_key))
    default = _objects(signing.get(default_key))
    signing[default_key] = write_profile(default, forms[0].cleaned_data, before=_cleaned(before[0]))
    if len(forms) > 1:
        signing[profiles_key] = {
            form.cleaned_data["name"]: write_profile(
                _objects(profile), form.cleaned_data, before=_cleaned(old)
            )
            for form, old, profile in zip(forms[1:], before[1:], profiles.values(), strict=True)
        }
    return document | {spelling(document, "signing"): signing}


def _cleaned(form: ProfileForm) -> Mapping[str, object]:
    return form.cleaned_data if form.is_valid() else {}


def _place(problem: PkiError, forms: Iterable[ProfileForm]) -> str:
    """Put a refusal beside the field that it names; return it as a line for the JSON view."""
    text = words(problem.sentence)
    for form in forms:
        path = f"signing.profiles.{form.title}." if form.named else "signing.default."
        if f"{problem.field}.".startswith(path):
            form.add_problem(problem.field[len(path) :], text)
            break
    return f"{visible(problem.field)}: {text}" if problem.field else text
