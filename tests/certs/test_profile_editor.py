"""Fields and JSON of a ca-config.json are two views of one document."""

from __future__ import annotations

import json

import pytest
from django.http import QueryDict

from aggportal.certs.forms.config_editor import (
    ConfigView,
    add_profiles,
    config_view,
    posted_view,
    remove_profile,
)
from aggportal.certs.forms.sides import Side
from aggportal.certs.forms.starting_points import added_profiles
from aggportal.pki.jsontext import dump_json
from aggportal.pki.presets import DEFAULT_CONFIG_TEXT


def posted(view: ConfigView, **changes: object) -> QueryDict:
    """What a browser posts for `view` after `changes` (`__` is the dash of a field's name)."""
    sent: dict[str, object] = {"base": view.base, "text": view.text.replace("\n", "\r\n")}
    for form in view.forms:
        values = {form.add_prefix(name): form[name].value() for name in form.fields}
        sent |= {name: "on" if value is True else value for name, value in values.items() if value}
        sent.setdefault(form.add_prefix("expiry"), "")
    sent |= {name.replace("__", "-"): value for name, value in changes.items()}
    query = QueryDict(mutable=True)
    for name, value in sent.items():
        query.setlist(name, value if isinstance(value, list) else [str(value)])
    return query


def config(**profiles: object) -> str:
    return dump_json({"signing": {"default": {"expiry": "168h"}, "profiles": profiles}})


def profiles_in(view: ConfigView) -> dict[str, dict[str, object]]:
    return json.loads(view.text)["signing"]["profiles"]


def test_what_was_not_edited_stays_byte_for_byte():
    text = '{"signing":{"default":{"expiry":"1h"},\n"profiles":{}}}'
    assert posted_view(posted(config_view(text))).text == text


def test_an_edited_field_follows_into_the_json():
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), p0__expiry="720h"))
    assert profiles_in(view)["www"]["expiry"] == "720h"
    assert view.edited is Side.FIELDS
    assert view.config


def test_an_edited_json_follows_into_the_fields():
    edited = DEFAULT_CONFIG_TEXT.replace("168h", "24h")
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), text=edited))
    assert view.default["expiry"].value() == "24h"
    assert view.edited is Side.JSON


def test_when_both_were_edited_nothing_is_lost_and_the_person_decides():
    sent = posted(
        config_view(DEFAULT_CONFIG_TEXT),
        p0__expiry="720h",
        text=DEFAULT_CONFIG_TEXT.replace("168h", "24h"),
    )
    view = posted_view(sent)
    assert view.both
    assert "24h" in view.text
    assert view.named[0]["expiry"].value() == "720h"
    sent["keep"] = "fields"
    assert profiles_in(posted_view(sent))["www"]["expiry"] == "720h"
    sent["keep"] = "json"
    assert posted_view(sent).default["expiry"].value() == "24h"


def test_renaming_keeps_what_the_fields_do_not_show():
    text = config(www={"expiry": "1h", "usages": ["signing"], "lint_error_level": "warn", "my": 1})
    view = posted_view(posted(config_view(text), p0__name="web"))
    assert profiles_in(view) == {
        "web": {"expiry": "1h", "usages": ["signing"], "lint_error_level": "warn", "my": 1}
    }
    assert view.kept == ("signing.profiles.web.my",)


def test_a_usage_keeps_the_spelling_that_it_was_written_in():
    usages = ["digital signature", "content committment"]
    view = config_view(config(old={"expiry": "1h", "usages": usages}))
    assert view.config
    assert view.named[0]["usages"].value() == ["signing", "content commitment"]
    chosen = ["signing", "content commitment", "client auth"]
    followed = posted_view(posted(view, p0__usages=chosen))
    assert profiles_in(followed)["old"]["usages"] == [*usages, "client auth"]


@pytest.mark.parametrize(
    ("profile", "field", "words"),
    [
        ({"expiry": "365d", "usages": ["signing"]}, "expiry", "write 8760h"),
        ({"usages": ["signing"]}, "expiry", "needs an expiry"),
        ({"expiry": "1h"}, "usages", "at least one usage"),
        ({"expiry": "1h", "usages": ["sever auth"]}, "usages", "did you mean server auth"),
        ({"expiry": 5, "usages": ["signing"]}, "expiry", "text in double quotes"),
        ({"expiry": "1h", "usages": "signing"}, "usages", "must be a list"),
        (
            {"expiry": "1h", "usages": ["signing"], "ca_constraint": {"max_path_len": 999}},
            "path_length",
            "between 0 and",
        ),
        ({"expiry": "1h", "usages": ["signing"], "name_whitelist": "("}, "name_whitelist", ""),
        ({"expiry": "1h", "usages": ["signing"], "crl_url": "javascript:x"}, "crl_url", ""),
    ],
)
def test_a_refusal_stands_beside_its_field_and_beside_the_json(profile, field, words):
    view = config_view(config(**{"a.b": profile}))
    assert words in " ".join(map(str, view.named[0].errors[field]))
    assert words in view.problems[0]
    assert view.config is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('{"signing": {"default": {"expiry": "1h",}}}', "Line 1, column 40"),
        ('{"signing":\n  {"default" 1}}', "Line 2, column 14"),
        ('{"signing": NaN}', "Line 1, column 13"),
        ('{"signing": {"a": 1, "a": 2}}', "Line 1, column 22"),
        ("[1]", "must be a JSON object"),
        ("", "empty"),
        ('{"x": "' + "y" * 70_000 + '"}', "larger than"),
    ],
)
def test_malformed_json_is_said_with_its_place_and_the_fields_stay(text, where):
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), text=text))
    assert where in view.problems[0]
    assert view.text == text
    assert [form.title for form in view.named] == ["www", "client"]
    assert view.config is None


@pytest.mark.parametrize(
    "text",
    [
        '{"signing": 1}',
        '{"signing": {"default": [], "profiles": "x"}}',
        '{"signing": {"default": {"expiry": "1h"}, "profiles": {"a": null, "": {}, "b": 3}}}',
        '{"signing": {"default": {"expiry": {"a": 1}, "usages": {"a": 1}, "ca_constraint": [1]}}}',
        '{"signing": {"default": {"expiry": "1h\\u0000"}}}',
        '{"signing": {"default": {"expiry": "\\ud800", "usages": ["\\ud800"]}}}',
        '{"signing": {"default": {"expiry": "1h"}, "profiles": {"a\\u202eb": {"expiry": "1h"}}}}',
    ],
)
def test_wrong_types_and_hidden_characters_are_refused_with_words(text):
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), text=text))
    assert view.config is None
    assert view.problems
    shown = (view.text, *view.problems, *(str(form) for form in view.forms))
    assert "".join(shown).encode()


@pytest.mark.parametrize("name", ["", "www", "a" * 101, "x\x00y"])
def test_a_bad_name_is_refused_beside_it_and_stored_nowhere(name):
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), p1__name=name))
    assert view.named[1].errors["name"]
    assert view.config is None
    assert view.text == DEFAULT_CONFIG_TEXT


@pytest.mark.parametrize("length", ["x", "-1", "256", "1e9"])
def test_a_path_length_out_of_range_is_refused_beside_it(length):
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), p1__path_length=length))
    assert view.named[1].errors["path_length"]
    assert view.config is None


def test_path_length_none_and_zero_are_two_things():
    view = config_view(config(sub={"expiry": "1h", "usages": ["cert sign"]}))
    zero = posted_view(posted(view, p0__is_ca="on", p0__path_length="0"))
    assert profiles_in(zero)["sub"]["ca_constraint"] == {"is_ca": True, "max_path_len_zero": True}
    none = posted_view(posted(zero, p0__path_length=""))
    assert profiles_in(none)["sub"]["ca_constraint"] == {"is_ca": True}


def test_a_program_may_send_the_json_alone():
    sent = QueryDict(mutable=True)
    sent["text"] = DEFAULT_CONFIG_TEXT
    assert posted_view(sent).config


def test_an_uploaded_file_counts_as_edited_json():
    view = posted_view(posted(config_view(config())), uploaded=DEFAULT_CONFIG_TEXT)
    assert list(profiles_in(view)) == ["www", "client"]


def test_presets_are_added_once_and_removed_again():
    view = add_profiles(config_view(config()), added_profiles("front-proxy-client"))
    assert profiles_in(view)["front-proxy-client"]["usages"] == ["signing", "client auth"]
    again = add_profiles(view, added_profiles("front-proxy-client"))
    assert "there already" in again.problems[-1]
    assert profiles_in(remove_profile(view, "0")) == {}
    assert remove_profile(view, "7²").text == view.text


def test_print_defaults_are_cfssls_own():
    view = add_profiles(config_view(config()), added_profiles("print-defaults"))
    assert json.loads(view.text) == json.loads(DEFAULT_CONFIG_TEXT)


def test_a_config_with_more_profiles_than_fields_is_edited_as_json():
    many = {f"p{i}": {"expiry": "1h", "usages": ["signing"]} for i in range(40)}
    view = config_view(config(**many))
    assert view.too_many
    followed = posted_view(posted(view, default__expiry="2h"))
    assert len(profiles_in(followed)) == 40


@pytest.mark.parametrize("key", ["auto_sign", "copy_extensions"])
def test_a_switch_follows_into_the_json_and_back(key: str) -> None:
    view = posted_view(posted(config_view(DEFAULT_CONFIG_TEXT), **{f"p0__{key}": "on"}))
    assert profiles_in(view)["www"][key] is True
    assert view.named[0][key].value() is True
    assert view.config is not None
    assert getattr(view.config.profile("www"), key) is True
    off = posted_view(posted(view, **{f"p0__{key}": ""}))
    assert key not in profiles_in(off)["www"]
