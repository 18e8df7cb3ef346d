"""The templates under the Content-Security-Policy and in every language."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = sorted([*(ROOT / "templates").rglob("*.html"), *(ROOT / "aggportal").rglob("*.html")])
STYLES = sorted((ROOT / "static/css").rglob("*.css"))
SCRIPTS = sorted((ROOT / "static/js").rglob("*.js"))

COMMENT = re.compile(r"{#.*?#}|{%\s*comment.*?{%\s*endcomment\s*%}|<!--.*?-->", re.DOTALL)
FORBIDDEN = {
    "inline script": re.compile(r"<script\b(?![^>]*\ssrc=)", re.IGNORECASE),
    "inline style sheet": re.compile(r"<style\b", re.IGNORECASE),
    "style attribute": re.compile(r"<[a-z][^<]*?\sstyle\s*=", re.IGNORECASE),
    "event attribute": re.compile(r"<[a-z][^<]*?\s(?:on[a-z]+|hx-on[:a-z-]*)\s*=", re.IGNORECASE),
    "asset from elsewhere": re.compile(
        r"(?:\ssrc|\ssrcset|\sdata|\sposter)\s*=\s*[\"']?\s*(?:https?:)?//|<link[^>]*\shref\s*=\s*[\"']?\s*(?:https?:)?//",
        re.IGNORECASE,
    ),
    "script address": re.compile(r"javascript:", re.IGNORECASE),
    "unescaped value": re.compile(r"\|\s*safe\b|autoescape\s+off"),
}
ELSEWHERE = re.compile(r"@import|url\(\s*[\"']?\s*(?:https?:)?//|[\"'`]https?://(?!www\.w3\.org/)")

TRANSLATED = re.compile(r"{%\s*blocktranslate\b.*?{%\s*endblocktranslate\s*%}", re.DOTALL)
FILE_NAME = re.compile(r"\b[\w-]+\.(?:json|pem|csr|crt|yaml|conf|sh|tar\.gz)\b")
VERBATIM = re.compile(r"<(code|pre|kbd|samp|script|svg)\b.*?</\1>", re.DOTALL)
TAG = re.compile(r"{%.*?%}|{{.*?}}|&#?\w+;", re.DOTALL)
MARKUP = re.compile(r"<[^>]*>", re.DOTALL)
SPOKEN = re.compile(r"\s(?:title|placeholder|aria-label|alt|data-confirm)=\"([^\"]*)\"")
# Names that are the same in every language.
NAMES = re.compile(
    r"AggPortal|Kubernetes|cfssl|APIServices?|kubeconfig|kube-apiserver|ClusterRole|kubeadm"
    r"|JSON|PEM|CSV|SHA-\d+|k3s|RKE2|systemd|UTC"
)


def breaches(template: str) -> list[str]:
    """Name what in `template` the Content-Security-Policy or the escaping rule forbids."""
    bare = COMMENT.sub("", template)
    return [name for name, pattern in FORBIDDEN.items() if pattern.search(bare)]


def untranslated(template: str) -> list[str]:
    """List visible words that stand outside translation."""
    bare = FILE_NAME.sub(" ", TRANSLATED.sub(" ", COMMENT.sub("", template)))
    bare = TAG.sub(" ", VERBATIM.sub(" ", bare))
    texts = [*SPOKEN.findall(bare), *MARKUP.sub("\n", bare).splitlines()]
    return [text.strip() for text in texts if re.search(r"[A-Za-z]{2}", NAMES.sub("", text))]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_needs_no_exception_from_the_policy(path):
    assert breaches(path.read_text()) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_template_can_be_translated(path):
    assert untranslated(path.read_text()) == []


@pytest.mark.parametrize("path", [*STYLES, *SCRIPTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_styles_and_scripts_fetch_nothing_from_elsewhere(path):
    assert not ELSEWHERE.search(path.read_text())


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_script_builds_no_markup_from_text_and_evaluates_nothing(path):
    forbidden = r"\beval\(|\bnew Function\(|\.innerHTML\s*=|insertAdjacentHTML|document\.write"
    assert not re.search(forbidden, path.read_text())


@pytest.mark.parametrize(
    ("template", "breach"),
    [
        ("<script>x</script>", "inline script"),
        ('<SCRIPT type="module">x</SCRIPT>', "inline script"),
        ("<style>a{}</style>", "inline style sheet"),
        ('<p class="{% if a %}b{% endif %}" style="color: red">', "style attribute"),
        ("<a\n  onclick='x()'>", "event attribute"),
        ('<a hx-on:click="x()">', "event attribute"),
        ('<script src="https://cdn.example/x.js"></script>', "asset from elsewhere"),
        ('<link rel="stylesheet" href="//cdn.example/x.css">', "asset from elsewhere"),
        ('<a href="javascript:x()">', "script address"),
        ("{{ name|safe }}", "unescaped value"),
        ("{% autoescape off %}", "unescaped value"),
    ],
)
def test_a_breach_is_seen(template, breach):
    assert breach in breaches(template)


def test_an_orderly_template_passes():
    orderly = (
        '{# <script>a comment</script> #}<script src="{% static "js/app.js" %}" defer></script>'
        '<a href="https://kubernetes.io/docs/" title="{% translate "On" %}">'
        '{% translate "Read" %}</a>'
        "{% blocktranslate %}Only once = never{% endblocktranslate %}"
        "<code>kubectl</code> {{ name }}"
    )
    assert breaches(orderly) == []
    assert untranslated(orderly) == []


@pytest.mark.parametrize("template", ["<p>Hello</p>", '<a title="Close">x</a>', "{{ a }} ago"])
def test_bare_words_are_seen(template):
    assert untranslated(template)
