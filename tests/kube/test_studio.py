"""The studio's set: whole, in order, read alike by every YAML reader, closed to hostile values."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import gzip
import io
import re
import tarfile

import pytest
import yaml

from aggportal.kube import studio
from aggportal.kube.errors import InvalidRegistrations
from tests.kube.tls import TestAuthority

NOW = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
USUAL = studio.Extension(
    name="wardle",
    namespace="wardle-system",
    group="wardle.example.com",
    version="v1alpha1",
    image="registry.example.com/team/wardle:1.2.3",
)
PAIR = studio.ServingPair(certificate_pem="CERT\n", key_pem="THE-KEY\n", root_pem="ROOT\n")
ORDER = [
    "Namespace", "ServiceAccount", "ClusterRoleBinding", "RoleBinding", "ClusterRole",
    "ClusterRoleBinding", "Secret", "Deployment", "Service", "PodDisruptionBudget",
    "NetworkPolicy", "FlowSchema", "ClusterRole", "ClusterRole", "APIService",
]  # fmt: skip


@pytest.fixture(scope="module")
def ca_pem():
    return TestAuthority(common_name="serving-ca").pem


@pytest.fixture
def made(ca_pem):
    """Make the set of the usual description with changes."""

    def make(pair=PAIR, **changes):
        extension = dataclasses.replace(USUAL, **changes)
        return studio.manifests(extension, ca_pem=ca_pem, pair=pair)

    return make


def documents(text):
    return list(yaml.safe_load_all(text))


def of_kind(found, kind):
    return next(each.document for each in found if each.kind == kind)


def refused(**changes):
    with pytest.raises(studio.InvalidExtensions) as caught:
        studio.require_describable(dataclasses.replace(USUAL, **changes))
    return {problem.field for problem in caught.value.problems}


def test_the_set_is_whole_and_in_order(made):
    assert [each.kind for each in made(flow_schema=True)] == ORDER


def test_the_yaml_says_what_the_objects_say(made):
    found = made(flow_schema=True, sources=("10.0.0.0/16", "2001:db8::/32"))
    assert documents(studio.set_yaml(found)) == [each.document for each in found]


def test_all_that_refers_to_something_refers_to_what_is_in_the_set(made):
    found = made()
    pod = of_kind(found, "Deployment")["spec"]["template"]
    assert pod["spec"]["serviceAccountName"] == of_kind(found, "ServiceAccount")["metadata"]["name"]
    secret = of_kind(found, "Secret")["metadata"]["name"]
    assert pod["spec"]["volumes"][0]["secret"]["secretName"] == secret
    for kind in ("Service", "PodDisruptionBudget", "NetworkPolicy"):
        spec = of_kind(found, kind)["spec"]
        chosen = spec.get("podSelector") or spec["selector"]
        labels = chosen.get("matchLabels", chosen)
        assert labels.items() <= pod["metadata"]["labels"].items()
    target = of_kind(found, "APIService")["spec"]["service"]
    service = of_kind(found, "Service")
    assert target == {
        "namespace": service["metadata"]["namespace"],
        "name": service["metadata"]["name"],
        "port": service["spec"]["ports"][0]["port"],
    }


def test_the_secret_holds_the_pair_and_the_apiservice_the_bundle(made, ca_pem):
    found = made()
    data = of_kind(found, "Secret")["data"]
    assert base64.b64decode(data["tls.key"]) == b"THE-KEY\n"
    bundle = of_kind(found, "APIService")["spec"]["caBundle"]
    assert base64.b64decode(bundle).decode() == ca_pem


def test_what_is_shown_never_holds_the_key(made):
    found = made()
    shown = "".join(studio.shown_yaml(each) for each in found)
    key = base64.b64encode(b"THE-KEY\n").decode()
    assert key in studio.set_yaml(found)
    assert key not in shown
    assert "THE-KEY" not in repr(found) + repr(PAIR)
    assert "data: tls.crt" in shown


@pytest.mark.parametrize(
    ("minor", "budget", "flows"),
    [(20, "v1beta1", "v1beta1"), (21, "v1", "v1beta1"), (25, "v1", "v1beta2"),
     (28, "v1", "v1beta3"), (37, "v1", "v1")],
)  # fmt: skip
def test_the_target_version_chooses_the_api_versions(made, minor, budget, flows):
    found = made(minor=minor, flow_schema=True)
    assert of_kind(found, "PodDisruptionBudget")["apiVersion"] == f"policy/{budget}"
    served = of_kind(found, "FlowSchema")["apiVersion"]
    assert served == f"flowcontrol.apiserver.k8s.io/{flows}"


def test_one_replica_gets_no_budget_that_would_hold_up_drains(made):
    assert "PodDisruptionBudget" not in [each.kind for each in made(replicas=1)]


def test_a_namespace_of_kubernetes_itself_is_not_in_the_set(made):
    assert made(namespace="kube-system")[0].kind == "ServiceAccount"


def test_the_apiservice_can_be_left_out_by_its_label(made):
    parts = [
        each.document["metadata"]["labels"].get("app.kubernetes.io/component") for each in made()
    ]
    assert parts == [None] * (len(parts) - 1) + ["registration"]


def test_resources_narrow_the_roles_down(made):
    roles = [each.document for each in made(resources=("flunders", "fischers"))]
    view = next(each for each in roles if each["metadata"]["name"] == "wardle:view")
    rule = view["rules"][0]
    assert rule["resources"] == ["flunders", "fischers"]
    assert rule["apiGroups"] == ["wardle.example.com"]
    assert view["metadata"]["labels"]["rbac.authorization.k8s.io/aggregate-to-view"] == "true"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "Wardle"), ("name", "1e3"), ("name", "a" * 49), ("name", "a\n---\nkind: Secret"),
        ("name", "a{{b}}"), ("name", "$(id)"), ("name", "wardle-"), ("name", ""),
        ("namespace", "a b"), ("namespace", "a: b"), ("namespace", "ns\n"),
        ("group", "apps"), ("group", ""), ("group", "k8s.io\x00"), ("group", "Foo.example.com"),
        ("version", "1"), ("version", "v1/../../x"),
        ("image", ""), ("image", "a b"), ("image", "x\nargs: [--evil]"), ("image", "x:{{y}}"),
        ("image", "Registry/UPPER"), ("image", "x@sha256:12"), ("image", "a" * 401),
        ("port", 443), ("port", 65536), ("replicas", 0), ("replicas", 21), ("minor", 19),
        ("cluster_domain", "a_b"), ("cluster_domain", "x\n"),
        ("resources", ("Flunders",)), ("resources", ("*",)), ("resources", ("a",) * 51),
        ("sources", ("10.0.0.1/8",)), ("sources", ("10.0.0.0",)), ("sources", ("fe80::%e/64",)),
        ("sources", ("10.0.0.0/255.0.0.0",)), ("sources", ("x",)),
        ("group_priority_minimum", 0), ("version_priority", 1001),
    ],
)  # fmt: skip
def test_a_hostile_or_wrong_value_is_refused_at_its_field(field, value):
    assert refused(**{field: value}) == {field}


def test_everything_wrong_is_said_at_once():
    wrong = {"name": "A", "namespace": "B", "group": "", "version": "", "image": "", "port": 1}
    assert refused(**wrong) == set(wrong)


@pytest.mark.parametrize(
    "image",
    ["nginx", "nginx:1", "localhost:5000/a/b_c", "r.example.com/a--b:V1.0-x",
     "a/b@sha256:" + "0" * 64],
)  # fmt: skip
def test_images_are_named_as_container_runtimes_name_them(image):
    studio.require_describable(dataclasses.replace(USUAL, image=image))


TRAPS = {
    "name": ["true", "no", "y", "null", "e1", "inf", "nan", "on"],
    "namespace": ["1e3", "0x10", "0o17", "123", "1", "null", "true", "12e03", "0b1"],
    "group": ["no", "null.example.com", "1.2", "1e3", "0x1f.example.com"],
    "version": ["y", "on", "n", "inf"],
}


@pytest.mark.parametrize(
    ("field", "value"), [(f, v) for f, all_of in TRAPS.items() for v in all_of]
)
def test_no_value_turns_into_another_type_in_any_yaml(made, field, value):
    found = made(**{field: value})
    text = studio.set_yaml(found)
    assert documents(text) == [each.document for each in found]
    for document in text.split("---\n"):
        for word in plain_scalars(document):
            assert not _OTHER_TYPE.fullmatch(word), word


# What YAML 1.1, YAML 1.2 or a reader in Go takes for no string; numbers are meant where we write
# them, so they are looked for among strings only.
_OTHER_TYPE = re.compile(
    r"~|null|true|false|yes|no|on|off|y|n|[-+]?\.?(?:inf|nan)|[-+.0-9].*", re.IGNORECASE
)


def plain_scalars(text):
    """The plain scalars that PyYAML itself takes for strings."""
    for token in yaml.compose_all(text, Loader=yaml.SafeLoader):
        yield from _plain(token)


def _plain(node):
    if isinstance(node, yaml.ScalarNode):
        if node.style is None and node.tag == "tag:yaml.org,2002:str":
            yield node.value
        return
    for part in node.value:
        for each in part if isinstance(part, tuple) else (part,):
            yield from _plain(each)


def test_the_kustomize_base_lists_every_object_in_order(made):
    found = made(flow_schema=True)
    files = {file.path: file for file in studio.base_files(USUAL, found)}
    listing = yaml.safe_load(files["wardle/kustomization.yaml"].body)
    listed = [yaml.safe_load(files[f"wardle/{name}"].body)["kind"] for name in listing["resources"]]
    assert listed == ORDER
    secrets = [path for path, file in files.items() if file.mode == studio.SECRET_MODE]
    assert secrets == ["wardle/07-secret.yaml"]


def rendered(text):
    """A template as Helm would leave it, as far as YAML can tell: values become words."""
    return yaml.safe_load(re.sub(r"\{\{.*?\}\}", "value", text))


def test_the_chart_parses_and_keeps_the_key_beside_itself(made, ca_pem):
    files = {
        file.path: file
        for file in studio.chart_files(USUAL, made(flow_schema=True), ca_pem=ca_pem, pair=PAIR)
    }
    templates = [
        rendered(file.body)["kind"] for path, file in files.items() if "/templates/" in path
    ]
    assert templates == ORDER[1:]
    assert [path for path, file in files.items() if "THE-KEY" in file.body] == ["values-tls.yaml"]
    assert files["values-tls.yaml"].mode == studio.SECRET_MODE
    assert yaml.safe_load(files["wardle/values.yaml"].body)["image"] == USUAL.image
    deployment = files["wardle/templates/deployment.yaml"].body
    assert "image: {{ .Values.image | quote }}\n" in deployment
    assert "replicas: {{ .Values.replicas | int }}\n" in deployment
    assert "b64enc" in files["wardle/templates/apiservice.yaml"].body


@pytest.mark.parametrize(
    ("minor", "flow", "range_"),
    [(20, False, ">=1.20.0-0 <1.25.0-0"), (37, False, ">=1.21.0-0"), (37, True, ">=1.29.0-0"),
     (27, True, ">=1.26.0-0 <1.32.0-0")],
)  # fmt: skip
def test_the_chart_says_which_versions_serve_its_apis(ca_pem, minor, flow, range_):
    extension = dataclasses.replace(USUAL, minor=minor, flow_schema=flow)
    found = studio.manifests(extension, ca_pem=ca_pem, pair=PAIR)
    chart = studio.chart_files(extension, found, ca_pem=ca_pem, pair=PAIR)[0]
    assert yaml.safe_load(chart.body)["kubeVersion"] == range_


def test_an_archive_is_the_same_for_the_same_moment(made):
    files = studio.base_files(USUAL, made())
    packed = studio.pack(files, now=NOW)
    assert packed == studio.pack(files, now=NOW)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as tar:
        modes = {entry.name: entry.mode for entry in tar}
    assert modes["wardle/07-secret.yaml"] == 0o600
    assert modes["wardle/kustomization.yaml"] == 0o644


def test_what_is_allowed_but_unwise_is_said():
    unwise = dataclasses.replace(USUAL, image="wardle:latest", replicas=1, namespace="default")
    assert len(studio.notes_on(unwise)) == 4
    assert len(studio.notes_on(dataclasses.replace(USUAL, sources=("10.0.0.0/8",)))) == 0


@pytest.mark.parametrize("form", ["yaml", "kustomize", "helm"])
def test_the_apiservice_comes_after_the_server_is_ready_and_goes_first(form):
    applied = studio.apply_script(USUAL, form).splitlines()
    assert "rollout status deployment/wardle" in applied[-2 if form == "helm" else -3]
    assert applied[-1].endswith("apiservice/v1alpha1.wardle.example.com")
    removed = studio.remove_script(USUAL, form).splitlines()
    assert removed[0] == "kubectl delete apiservice v1alpha1.wardle.example.com"


def test_a_bundle_that_is_none_is_refused(made):
    with pytest.raises(InvalidRegistrations):
        studio.manifests(USUAL, ca_pem="not a certificate")
