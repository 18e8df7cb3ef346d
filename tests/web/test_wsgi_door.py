"""What Django could not even make a request of is refused with words."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from django.test.client import RequestFactory

from aggportal.wsgi import application


def asked(content_type):
    """Status and body of a GET of /healthz with this Content-Type."""
    environ = RequestFactory().get("/healthz").environ
    environ |= {"CONTENT_TYPE": content_type, "wsgi.input": io.BytesIO()}
    said: list[str] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
        said.append(status)
        return io.BytesIO().write

    body = b"".join(application(environ, start))
    return said[0], body.decode()


@pytest.mark.parametrize("codec", ["hex", "rot13", "idna", "punycode", "nonsense", ""])
def test_a_charset_in_the_extended_form_is_refused_with_words(codec, db):
    status, body = asked(f"text/plain; charset*={codec}''%41")
    assert status == "400 Bad Request"
    assert "Send text as UTF-8" in body


@pytest.mark.parametrize("name", ["charset *", "boundary*", "x*0*"])
def test_so_is_any_other_parameter_in_that_form(name, db):
    assert asked(f"multipart/form-data; {name}=idna''%41")[0] == "400 Bad Request"


def test_ordinary_parameters_pass(db):
    assert asked("multipart/form-data; boundary=a*b; charset=utf-8")[0] == "200 OK"
