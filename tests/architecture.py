"""The rules of the house over the syntax tree of one module.

tests/test_architecture.py applies them to the tree and shows that each can fail.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

_TIER = {"ledger", "accounts", "vault"}
_GROUND = _TIER | {"web", "words"}
# What each package of aggportal/ may import beside itself. A new package must be entered here.
MAY_IMPORT: dict[str, set[str]] = {
    "words": set(),
    "env": set(),
    "pki": {"words"},
    "kube": {"words"},
    "tls": {"words", "pki", "kube"},
    "doctor": {"words", "pki", "kube", "tls"},
    "web": {"words"},
    "ledger": _GROUND,
    "accounts": _GROUND | {"kube"},
    "vault": _GROUND,
    "certs": _GROUND | {"pki"},
    "clusters": _GROUND | {"certs", "pki", "kube", "doctor"},
    "notices": _GROUND | {"clusters", "certs", "pki", "kube"},
    "anchors": _GROUND | {"notices", "clusters", "kube"},
    "backups": _GROUND | {"clusters", "certs"},
    "snippets": _GROUND | {"clusters", "certs", "pki", "kube"},
    "scans": _GROUND | {"clusters", "certs", "pki", "kube", "tls"},
    "dashboard": _GROUND | {"snippets", "notices", "clusters", "certs"},
    # The frame around the packages.
    "settings": {"env", "signing_in"},
    "signing_in": {"env"},
    "urls": {"web"},
    "wsgi": {"web"},
    "asgi": {"web"},
}
PURE = {"words", "pki", "kube", "tls", "doctor"}
# Inside an app: urls → views → forms, services → models. What each kind of module may not import.
MAY_NOT_IMPORT_KIND = {
    "models": {"urls", "views", "admin", "forms", "services"},
    "services": {"urls", "views", "admin", "forms"},
    "forms": {"urls", "views", "admin", "services"},
    "views": {"urls", "admin"},
    "admin": {"urls", "views"},
    "management": {"urls", "views", "admin", "forms"},
    "jobs": {"urls", "views", "admin", "forms"},
}
# Modules that may have to do with the network, and why. Connections are opened in `kube.egress`
# alone, which takes addresses that were checked.
NEAR_THE_NETWORK = {
    "kube.egress": "the one way out: resolves, checks, connects by number",
    "kube.bodies": "names http.client's and urllib3's errors; reads bodies within limits",
    "kube.failures": "names urllib3's errors",
    "kube.client": "names urllib3's answer as a type",
    "kube.door": "names urllib3's answer as a type; sends to a checked address",
    "kube.wire": "urllib3's pool, for URLs whose host is a checked address; cuts sockets",
    "kube.portforward": "speaks websocket over a socket of the one way out",
    "accounts.provider_wire": "speaks HTTP over a socket of the one way out, for `requests`",
    "accounts.providing": "names requests' errors",
    "notices.posting": "speaks HTTP over a socket of the one way out; cuts sockets",
    "notices.mailing": "speaks SMTP over a socket of the one way out",
    "notices.services.sending": "names smtplib's errors; the host's own name",
    "clusters.services.working": "the host's own name",
}
_NETWORK = (
    "socket", "http.client", "http.server", "urllib.request", "urllib3", "requests", "httpx",
    "aiohttp", "asyncio", "websocket", "smtplib", "ftplib", "poplib", "imaplib", "telnetlib",
    "xmlrpc", "socketserver", "pycurl",
)  # fmt: skip
_OPENS = {
    "socket.create_connection",
    "socket.socket",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.fromfd",
    "urllib.request.urlopen",
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
_EVERYTHING = {"Exception", "BaseException"}
WALL_CLOCK = re.compile(r"\b(?:datetime|date|timezone)\.(?:now|utcnow|today)$|\btime\.time$")
UNFINISHED = re.compile(r"\b(?:TODO|FIXME|NotImplementedError)\b")


@dataclass(frozen=True, kw_only=True, slots=True)
class Module:
    """One module: its dotted `name` and its `source`."""

    name: str
    source: str

    @property
    def package(self) -> str:
        """The package of aggportal/ that it belongs to, as `certs` for `aggportal.certs.views`."""
        return self.name.split(".")[1] if "." in self.name else ""

    @property
    def kind(self) -> str:
        """What it is inside its app, as `views` for `aggportal.certs.views.authorities`."""
        parts = self.name.split(".")
        return parts[2] if len(parts) > 2 else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Import:
    """One imported dotted name; `lazy` when it stands inside a function."""

    name: str
    lazy: bool = False


def modules() -> list[Module]:
    """Every module of aggportal/, found in the tree."""
    found = []
    for path in sorted((ROOT / "aggportal").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found.append(Module(name=name.removesuffix(".__init__"), source=path.read_text()))
    return found


def imports(module: Module) -> Iterator[Import]:
    """Yield what `module` imports, `from a import b` as `a.b`."""
    tree = ast.parse(module.source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    lazy = {inner for function in functions for inner in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (Import(name=name, lazy=node in lazy) for name in names)


def _is(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def upward_imports(module: Module) -> list[str]:
    """Imports of a package that stands higher or beside."""
    if not module.package:
        return []
    if module.package not in MAY_IMPORT:
        return [f"{module.name} belongs to a package whose place is not stated"]
    allowed = MAY_IMPORT[module.package] | {module.package}
    ours = [found.name for found in imports(module) if _is(found.name, "aggportal")]
    return [name for name in ours if name.split(".")[1] not in allowed]


def framework_in_a_core(module: Module) -> list[str]:
    """Imports of Django in what must work without it."""
    if module.package not in PURE:
        return []
    return [found.name for found in imports(module) if _is(found.name, "django")]


def kubernetes_outside_its_door(module: Module) -> list[str]:
    """Imports of the heavy `kubernetes` package elsewhere than lazily in kube.client."""
    at_the_door = _is(module.name, "aggportal.kube.client")
    found = [found for found in imports(module) if _is(found.name, "kubernetes")]
    return [item.name for item in found if not (at_the_door and item.lazy)]


def against_the_grain(module: Module) -> list[str]:
    """Imports against the direction that holds inside an app."""
    forbidden = MAY_NOT_IMPORT_KIND.get(module.kind, {"urls", "views"} - {module.kind})
    if module.kind == "urls" or module.package in PURE or not module.kind:
        return []
    own = f"aggportal.{module.package}"
    inside = [found.name for found in imports(module) if _is(found.name, own)]
    return [name for name in inside if len(name.split(".")) > 2 and name.split(".")[2] in forbidden]


def trusted_markup(module: Module) -> list[str]:
    """Uses of `mark_safe` and its kin, which switch off escaping."""
    names = {"mark_safe", "SafeString", "SafeText"}
    found = []
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.Name | ast.Attribute | ast.alias):
            name = {"Name": "id", "Attribute": "attr", "alias": "name"}[type(node).__name__]
            found += [value for value in [getattr(node, name)] if value in names]
    return found


def catches_everything(module: Module) -> list[str]:
    """`except:`, `except Exception` and `except BaseException`, unless they raise it on."""
    found = []
    for node in ast.walk(ast.parse(module.source)):
        if isinstance(node, ast.ExceptHandler) and not _raises_on(node):
            caught = (
                {ast.unparse(part) for part in ast.walk(node.type)} if node.type else _EVERYTHING
            )
            found += [f"line {node.lineno}"] if caught & _EVERYTHING else []
    return found


def _raises_on(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def reads_the_clock(module: Module) -> list[str]:
    """Reads of the wall clock in a core, which takes the time as a parameter."""
    if module.package not in PURE:
        return []
    nodes = [node for node in ast.walk(ast.parse(module.source)) if isinstance(node, ast.Attribute)]
    return [said for node in nodes if WALL_CLOCK.search(said := ast.unparse(node))]


def network_outside_its_doors(module: Module) -> list[str]:
    """Imports of what connects, in a module that is not said to; and sockets opened elsewhere than
    in the one way out.
    """
    name = module.name.removeprefix("aggportal.")
    found = {each.name for each in imports(module)}
    said = (
        [] if name in NEAR_THE_NETWORK else [f for f in found if any(_is(f, n) for n in _NETWORK)]
    )
    if name == "kube.egress":
        return said
    calls = [node for node in ast.walk(ast.parse(module.source)) if isinstance(node, ast.Call)]
    opened = [text for node in calls if (text := ast.unparse(node.func)) in _OPENS]
    bare = {each.rpartition(".")[2] for each in _OPENS & found}
    return said + opened + [t for node in calls if (t := ast.unparse(node.func)) in bare]


def nameless(module: Module) -> list[str]:
    """Modules whose name says nothing."""
    return [part for part in module.name.split(".") if part in NAMELESS]


def unfinished(module: Module) -> list[str]:
    """Marks of work that was left for later."""
    return UNFINISHED.findall(module.source)


RULES = [
    upward_imports,
    framework_in_a_core,
    kubernetes_outside_its_door,
    against_the_grain,
    trusted_markup,
    catches_everything,
    reads_the_clock,
    network_outside_its_doors,
    nameless,
    unfinished,
]
