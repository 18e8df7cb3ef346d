"""An open page whose object was deleted elsewhere."""

from __future__ import annotations


def test_a_fragment_of_what_is_gone_lets_the_page_load_anew(viewer, client_of):
    answer = client_of(viewer).get("/clusters/gone/table/", headers={"HX-Request": "true"})
    assert answer.status_code == 404
    assert answer["HX-Refresh"] == "true"


def test_a_page_that_is_gone_does_not_load_itself_again(viewer, client_of):
    answer = client_of(viewer).get("/clusters/gone/")
    assert answer.status_code == 404
    assert "HX-Refresh" not in answer
