"""HTML as a person without JavaScript meets it: text, links, and forms with their fields."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_UNSEEN = frozenset({"script", "style", "template", "svg", "head"})
_VOID = frozenset({"input", "br", "hr", "img", "link", "meta", "source", "wbr"})

Attributes = dict[str, str]


@dataclass(kw_only=True)
class Button:
    """A button that sends its form."""

    name: str
    value: str
    action: str = ""
    text: str = ""


@dataclass(kw_only=True)
class Form:
    """A form as it stands on the page. `values` are the pairs that a browser would send."""

    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)
    buttons: list[Button] = field(default_factory=list)
    options: dict[str, list[str]] = field(default_factory=dict)

    def filled(self, **fields: str) -> list[tuple[str, str]]:
        """The pairs to send with `fields` filled in; a field that the page lacks is refused."""
        if unknown := set(fields) - self.known:
            raise AssertionError(f"no field {unknown} on {self.action}: {sorted(self.known)}")
        for name, value in fields.items():
            offered = self.options.get(name, [])
            assert not offered or value in offered, f"{name} offers {offered}, not {value}"
        kept = [(name, value) for name, value in self.values if name not in fields]
        return kept + list(fields.items())

    def button(self, value: str) -> Button:
        """The button with this value or this text."""
        found = [each for each in self.buttons if value in (each.value, each.text)]
        assert found, f"no button {value!r} on {self.action}: {self.buttons}"
        return found[-1]


@dataclass(kw_only=True)
class Element:
    """An element with an id: its attributes and its text."""

    attributes: Attributes
    text: str = ""


class Page(HTMLParser):
    """A parsed page or fragment."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.elements: dict[str, Element] = {}
        self.all_attributes: list[Attributes] = []
        self._seen: list[str] = []
        self._open: list[tuple[str, str]] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._select: tuple[str, list[tuple[str, bool]]] | None = None
        self._textarea: list[str] | None = None
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        """The visible text with single spaces."""
        return " ".join(" ".join(self._seen).split())

    def element(self, id_: str) -> Element:
        assert id_ in self.elements, f"no #{id_}: {sorted(self.elements)}"
        return self.elements[id_]

    def form(self, action: str) -> Form:
        """The form that is sent to `action` (any form whose action ends so)."""
        found = [form for form in self.forms if form.action.split("?")[0].endswith(action)]
        assert found, f"no form to {action}: {[form.action for form in self.forms]}"
        return found[0]

    def form_with(self, field: str) -> Form:
        """The form that has this field."""
        found = [form for form in self.forms if field in form.known]
        assert found, f"no form with {field}: {self.forms} {self.text}"
        return found[0]

    def link(self, part: str) -> str:
        """The first address that contains `part`."""
        found = [link for link in self.links if part in link]
        assert found, f"no link with {part!r}: {self.links}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.all_attributes.append(attributes)
        if id_ := attributes.get("id"):
            self.elements[id_] = Element(attributes=attributes)
        if tag not in _VOID:
            self._open.append((tag, attributes.get("id", "")))
        if "href" in attributes:
            self.links.append(attributes["href"])
        self._enter(tag, attributes)

    def handle_endtag(self, tag: str) -> None:
        while any(tag == each for each, _id in self._open):
            if self._open.pop()[0] == tag:
                break
        self._leave(tag)

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self._textarea.append(data)
        if self._button is not None:
            self._button.text = f"{self._button.text} {data}".strip()
        if any(tag in _UNSEEN for tag, _id in self._open):
            return
        self._seen.append(data)
        for _tag, id_ in self._open:
            if id_:
                self.elements[id_].text += data

    def _enter(self, tag: str, attributes: Attributes) -> None:
        if tag == "form":
            method = attributes.get("method", "get").lower()
            self._form = Form(action=attributes.get("action", ""), method=method)
            self.forms.append(self._form)
        elif tag == "textarea":
            self._textarea = []
            self._textarea_name = attributes.get("name", "")
        elif tag == "select":
            self._select = (attributes.get("name", ""), [])
        elif tag == "option" and self._select:
            self._select[1].append((attributes.get("value", ""), "selected" in attributes))
        elif tag == "input":
            self._input(attributes)
        elif tag == "button":
            self._add_button(attributes)

    def _leave(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "textarea" and self._textarea is not None:
            text = "".join(self._textarea).removeprefix("\n")
            self._add(self._textarea_name, text)
            self._textarea = None
        elif tag == "select" and self._select:
            name, options = self._select
            chosen = [value for value, selected in options if selected] or [
                value for value, _selected in options[:1]
            ]
            for value in chosen:
                self._add(name, value)
            if self._form and name:
                self._form.known.add(name)
                self._form.options[name] = [value for value, _selected in options]
            self._select = None

    def _input(self, attributes: Attributes) -> None:
        kind, name = attributes.get("type", "text"), attributes.get("name", "")
        if kind in ("checkbox", "radio"):
            if self._form and name:
                self._form.known.add(name)
            if "checked" in attributes:
                self._add(name, attributes.get("value", "on"))
        elif kind == "submit":
            self._add_button(attributes)
        elif kind != "file":
            self._add(name, attributes.get("value", ""))

    def _add(self, name: str, value: str) -> None:
        if self._form and name:
            self._form.known.add(name)
            self._form.values.append((name, value))

    def _add_button(self, attributes: Attributes) -> None:
        if attributes.get("type", "submit") != "submit" or self._form is None:
            return
        self._button = Button(
            name=attributes.get("name", ""),
            value=attributes.get("value", ""),
            action=attributes.get("formaction", ""),
        )
        self._form.buttons.append(self._button)
