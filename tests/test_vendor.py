from __future__ import annotations

import shutil
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import module_from_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def vendor():
    loader = SourceFileLoader("vendor", str(ROOT / ".ci/vendor.py"))
    module = module_from_spec(ModuleSpec("vendor", loader, origin=loader.path))
    module.__file__ = loader.path
    loader.exec_module(module)
    return module


@pytest.fixture
def copy(tmp_path):
    for folder in ["static/vendor", "tests/browser/vendor"]:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_the_vendored_files_are_those_that_were_verified(vendor):
    assert vendor.problems(ROOT) == []


def test_one_changed_byte_is_found(vendor, copy):
    path = copy / "static/vendor/bootstrap/bootstrap.min.css"
    path.write_bytes(path.read_bytes().replace(b"{", b"[", 1))
    (problem,) = vendor.problems(copy)
    assert problem.startswith("static/vendor/bootstrap/bootstrap.min.css: its bytes")


def test_a_missing_and_a_stray_file_are_found(vendor, copy):
    (copy / "static/vendor/bootstrap/bootstrap.min.css").rename(copy / "static/vendor/evil.js")
    assert len(vendor.problems(copy)) == 2


def test_a_version_that_was_not_fetched_is_found(vendor, copy):
    manifest = copy / "static/vendor/vendor.json"
    manifest.write_text(manifest.read_text().replace("5.3.9", "5.3.10"))
    (problem,) = vendor.problems(copy)
    assert "make vendor" in problem


def test_every_package_keeps_its_licence(vendor):
    for entry in vendor.load(ROOT / vendor.LOCK).values():
        assert [name for name in entry["files"] if name.endswith("/LICENSE")]


def test_no_vendored_file_points_at_a_source_map_that_is_not_there():
    files = [path for path in (ROOT / "static/vendor").rglob("*") if path.suffix in {".css", ".js"}]
    assert files
    assert not [path for path in files if b"sourceMappingURL" in path.read_bytes()]
