"""Keep third-party browser files in the repository, each with its version, licence and checksums.

    vendor.py update   fetch what static/vendor/vendor.json names, verify and write it, and the lock
    vendor.py check    compare every vendored file with the lock; needs no network

`vendor.json` maps an npm package to {version, licence, into, files: {path in the package: name
here}, icons: [name]}. `vendor.lock.json` records the package's sha512 integrity, its licence and
the sha256 of every file written. An `update` refuses a package whose tarball differs from the
integrity that the lock holds for the same version.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = Path("static/vendor/vendor.json")
LOCK = Path("static/vendor/vendor.lock.json")
SOURCE_MAP = re.compile(rb"\s*(?:/\*|//)# sourceMappingURL=\S+(?:\s*\*/)?\s*$")


class VendorError(Exception):
    """A vendored file or package is not what the manifest or the lock says."""


def load(path: Path) -> dict[str, Any]:
    """Read a JSON object; an absent file is an empty one."""
    loaded: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return loaded


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def download(package: str, version: str, folder: Path) -> tuple[Path, str]:
    """Fetch one package's tarball with npm; return it and its verified integrity."""
    command = [
        "npm",
        "pack",
        "--json",
        "--ignore-scripts",
        f"--pack-destination={folder}",
        f"{package}@{version}",
    ]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, cwd=folder).stdout)
    said = answer[0]["integrity"]
    # npm names the file of a scoped package differently than it reports it.
    (tarball,) = folder.glob("*.tgz")
    made = "sha512-" + base64.b64encode(hashlib.sha512(tarball.read_bytes()).digest()).decode()
    if made != said:
        raise VendorError(f"{package}@{version}: the tarball is {made}, the registry says {said}")
    return tarball, made


def without_source_map(content: bytes, name: str) -> bytes:
    """Drop the pointer to a source map that is not vendored: hashing file names follows it."""
    return SOURCE_MAP.sub(b"\n", content) if name.endswith((".css", ".js")) else content


def contents(entry: dict[str, Any], tarball: Path) -> dict[str, bytes]:
    """Read what one manifest entry wants: name here → bytes."""
    with tarfile.open(tarball) as package:

        def read(inside: str) -> bytes:
            member = package.extractfile(f"package/{inside}")
            if member is None:
                raise VendorError(f"{inside} is no regular file")
            return member.read()

        wanted = {
            here: without_source_map(read(inside), here) for inside, here in entry["files"].items()
        }
        icons = {name: read(f"icons/{name}.svg") for name in entry.get("icons", [])}
    return wanted | {f"icons/{name}.svg": content for name, content in icons.items()}


def update(root: Path) -> None:
    """Fetch, verify and write everything; then write the lock."""
    old, new = load(root / LOCK), {}
    for package, entry in load(root / MANIFEST).items():
        with tempfile.TemporaryDirectory() as folder:
            tarball, integrity = download(package, entry["version"], Path(folder))
            known = old.get(package, {})
            if known.get("version") == entry["version"] and known["integrity"] != integrity:
                raise VendorError(
                    f"{package}@{entry['version']} is not the package that the lock knows"
                )
            wanted = contents(entry, tarball)
        into = root / entry["into"]
        for name, content in wanted.items():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_bytes(content)
        new[package] = {
            "version": entry["version"],
            "licence": entry["licence"],
            "integrity": integrity,
            "files": {f"{entry['into']}/{name}": digest(wanted[name]) for name in sorted(wanted)},
        }
    (root / LOCK).write_text(json.dumps(new, indent=4) + "\n")
    for stray in sorted(strays(root, new)):
        (root / stray).unlink()


def strays(root: Path, lock: dict[str, Any]) -> set[str]:
    """Find files in vendored folders that no package brought."""
    folders = {entry["into"] for entry in load(root / MANIFEST).values()} | {str(MANIFEST.parent)}
    there = {
        str(path.relative_to(root))
        for folder in folders
        for path in (root / folder).rglob("*")
        if path.is_file()
    }
    return (
        there
        - {name for entry in lock.values() for name in entry["files"]}
        - {str(MANIFEST), str(LOCK)}
    )


def problems(root: Path) -> list[str]:
    """Say everything in which the vendored files, the manifest and the lock disagree."""
    manifest, lock = load(root / MANIFEST), load(root / LOCK)
    pinned = {name: entry["version"] for name, entry in manifest.items()}
    if pinned != {name: entry["version"] for name, entry in lock.items()}:
        return ["the manifest and the lock name different packages or versions: run `make vendor`"]
    found = [f"{stray}: no package brought this file" for stray in sorted(strays(root, lock))]
    for entry in lock.values():
        for name, expected in entry["files"].items():
            if not (root / name).is_file():
                found.append(f"{name}: missing")
            elif digest((root / name).read_bytes()) != expected:
                found.append(f"{name}: its bytes are not those that the lock records")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("action", choices=["update", "check"])
    parser.add_argument("--root", type=Path, default=ROOT)
    arguments = parser.parse_args()
    if arguments.action == "update":
        update(arguments.root)
    found = problems(arguments.root)
    for problem in found:
        sys.stderr.write(f"{problem}\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
