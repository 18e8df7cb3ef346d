"""A database that does not answer is told of as that, by a page that asks it for nothing."""

from __future__ import annotations

from typing import Never

import pytest
from django.db import OperationalError, connection


def away(*_query: object) -> Never:
    raise OperationalError("server closed the connection unexpectedly")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/certificates/", "/audit/"])
def test_pages_answer_503_in_words_while_the_database_is_away(client_of, administrator, path):
    client = client_of(administrator)
    client.raise_request_exception = False
    with connection.execute_wrapper(away):
        answer = client.get(path)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert "The database does not answer" in answer.text
    assert client.get("/").status_code == 200
