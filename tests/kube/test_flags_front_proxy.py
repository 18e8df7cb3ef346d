"""What may be told to kube-apiserver about its front proxy, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from aggportal.kube.flags import FlagsError, InvalidHeader, InvalidName, UnsafePath
from tests.kube.flags_values import FILES, USUAL, front_proxy


def test_the_usual_flags_are_those_of_the_recipe() -> None:
    assert USUAL.arguments == (
        "--requestheader-client-ca-file=/etc/kubernetes/ssl/aggregator-ca.pem",
        "--requestheader-allowed-names=aggregator",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
        "--proxy-client-cert-file=/etc/kubernetes/ssl/aggregator.pem",
        "--proxy-client-key-file=/etc/kubernetes/ssl/aggregator-key.pem",
    )


def test_routing_and_uid_come_only_when_asked_for() -> None:
    asked = front_proxy(aggregator_routing=True, uid_headers=("X-Remote-Uid",))
    more = set(asked.arguments) - set(USUAL.arguments)
    assert more == {"--enable-aggregator-routing=true", "--requestheader-uid-headers=X-Remote-Uid"}


def test_an_absolute_file_stays_where_it_is() -> None:
    proxy = front_proxy(client_ca_file="/srv/pki/ca.crt")
    assert proxy.ca_path == "/srv/pki/ca.crt"
    assert proxy.directories == ("/srv/pki", "/etc/kubernetes/ssl")


@pytest.mark.parametrize(
    "directory",
    ["", "etc/kubernetes", "/", "/etc", "/tmp", "/a//b", "/a/", "/a/../b", "/a/./b", "/a b",
     "/a\nb", "/a\0b", "/a'b", "/a$HOME", "/a%n", "/a,b", "/a:b", "/-rf",
     "/ä", "/a\\b", "/" + "x" * 2000],
)  # fmt: skip
def test_an_unsafe_directory_is_refused(directory: str) -> None:
    with pytest.raises(UnsafePath) as refusal:
        front_proxy(directory=directory)
    assert refusal.value.field == "directory"
    assert str(refusal.value)


@pytest.mark.parametrize(
    "name", ["", "..", "../ca.pem", "a/b.pem", "-rf", "a b", "a\n", "/ca.pem", "/etc/ca.pem"]
)
@pytest.mark.parametrize("field", sorted(FILES))
def test_an_unsafe_file_is_refused_beside_its_field(field: str, name: str) -> None:
    with pytest.raises(UnsafePath) as refusal:
        front_proxy(**{field: name})
    assert refusal.value.field == field


def test_key_and_certificate_cannot_be_one_file() -> None:
    with pytest.raises(UnsafePath, match="three different files"):
        front_proxy(proxy_client_key_file="aggregator.pem")


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("",),
        ("  ",),
        ("a\nb",),
        ("a\0",),
        ("a\u202eb",),
        ("a\u0085",),
        ("a\u00a0b",),
        ("x" * 257,),
        ("a", "a"),
    ],
)
def test_names_that_nobody_could_tell_apart_are_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(InvalidName) as refusal:
        front_proxy(allowed_names=names)
    assert refusal.value.field == "allowed_names"


def test_too_many_names_are_refused() -> None:
    with pytest.raises(InvalidName, match="too many"):
        front_proxy(allowed_names=tuple(f"name-{number}" for number in range(101)))


@pytest.mark.parametrize(
    "headers",
    [
        {"username_headers": ("X-User",)},
        {"group_headers": ()},
        {"extra_headers_prefixes": ("X-Remote-Extra-", "Bad Header")},
        {"uid_headers": ("X-Uid",)},
    ],
)
def test_headers_without_what_the_aggregator_sends_are_refused(
    headers: Mapping[str, tuple[str, ...]],
) -> None:
    with pytest.raises(InvalidHeader) as refusal:
        front_proxy(**headers)
    assert refusal.value.field in headers


def test_further_headers_are_joined_in_one_flag() -> None:
    proxy = front_proxy(group_headers=("x-remote-group", "X-Group"))
    assert "--requestheader-group-headers=x-remote-group,X-Group" in proxy.arguments


def test_every_refusal_is_one_of_the_flags() -> None:
    assert issubclass(UnsafePath, FlagsError)
    assert str(InvalidName("100%% of %(name)s", field="allowed_names", name="x")) == "100% of x"
