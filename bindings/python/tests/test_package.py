"""The package itself: its types, its archives, and how it finds its library."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from typing import Any, Dict, Iterator

import pytest
from machines import CHECKOUT

PYTHON = os.path.join(CHECKOUT, "bindings", "python")


def run(*command: str, environment: "Dict[str, str] | None" = None, directory: str = PYTHON) -> str:
    """Runs a command, which must succeed."""
    settings = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH",)}
    settings.update(environment or {})
    result = subprocess.run(
        command, cwd=directory, env=settings, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, check=False
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def library() -> str:
    """The library that the tests use."""
    from ballast._library import library as loaded

    return os.path.abspath(loaded._handle._name)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory, library: str) -> Iterator[Any]:
    """A wheel and a source archive, built without a network."""
    directory = str(tmp_path_factory.mktemp("archives"))
    build = f"import build_backend as b; print(b.build_wheel({directory!r})); print(b.build_sdist({directory!r}))"
    wheel, source = run(sys.executable, "-c", build, environment={"BALLAST_LIBRARY": library}).split()
    yield os.path.join(directory, wheel), os.path.join(directory, source)


def test_types_are_checked() -> None:
    assert run("/usr/bin/mypy", "--strict", "ballast").startswith("Success")


def test_a_checker_knows_names_and_types(tmp_path: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import ballast\n"
        "conn = ballast.open('test:///default')\n"
        "reveal_type(conn.lookupByName('test').memoryStats())\n"
        "reveal_type(conn.lookupByName('test').memory.used)\n"
        "reveal_type(ballast.VIR_DOMAIN_RUNNING)\n"
        "reveal_type([sample.reason for sample in conn.watch(2)])\n"
        "ballast.nonsense\n"
    )
    result = subprocess.run(
        ["/usr/bin/mypy", "--strict", str(program)],
        cwd=str(tmp_path), env={**os.environ, "MYPYPATH": PYTHON}, stdout=subprocess.PIPE, universal_newlines=True, check=False,
    )  # fmt: skip
    revealed = re.findall(r'Revealed type is "(.*)"', result.stdout)
    assert revealed == [
        "builtins.dict[builtins.str, builtins.int]",
        "Union[builtins.int, None]",
        "builtins.int",
        "builtins.list[ballast._memory.Reason]",
    ], result.stdout
    assert 'Module has no attribute "nonsense"' in result.stdout and "Found 1 error" in result.stdout


def test_the_version_is_the_projects() -> None:
    import ballast

    with open(os.path.join(CHECKOUT, "Directory.Build.props"), encoding="utf-8") as properties:
        version = re.search("<Version>(.*)</Version>", properties.read())
    assert version is not None and ballast.__version__ == version[1]
    from ballast._library import library

    assert library.ballastGetVersion().decode() == ballast.__version__


def test_the_wheel_brings_the_library(archives: Any, tmp_path: Any) -> None:
    wheel, _ = archives
    assert re.search(r"-py3-none-manylinux_2_\d+_(x86_64|aarch64)\.whl$", wheel)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
    assert {"ballast/__init__.py", "ballast/libballast.so", "ballast/py.typed"} <= set(names)
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"))
    python = str(tmp_path / "venv" / "bin" / "python")
    run(python, "-m", "pip", "install", "--no-index", "--quiet", wheel)
    found = run(
        python, "-c", "import ballast; from ballast._library import library as l; print(l._handle._name); "
        "print(ballast.open('test:///default').lookupByName('test').memoryStats()['actual'])",
        environment={"BALLAST_LIBRARY": ""}, directory=str(tmp_path),
    )  # fmt: skip
    path, actual = found.split()
    assert path.startswith(str(tmp_path)) and actual == "2097152"
    run(python, "-m", "pip", "uninstall", "--yes", "--quiet", "ballast")


def test_a_wheel_comes_from_the_source_archive_too(archives: Any, tmp_path: Any) -> None:
    wheel, source = archives
    with tarfile.open(source) as archive:
        assert any(name.endswith("/LICENSE") for name in archive.getnames())
    run(sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps", "--quiet", "--wheel-dir", str(tmp_path), source,
        environment={"BALLAST_LIBRARY": ""}, directory=str(tmp_path))  # fmt: skip
    (built,) = os.listdir(str(tmp_path))
    with open(os.path.join(str(tmp_path), built), "rb") as one, open(wheel, "rb") as other:
        assert built == os.path.basename(wheel) and one.read() == other.read()


def test_a_missing_library_is_an_import_error() -> None:
    def import_with(path: str) -> str:
        program = "try:\n import ballast\nexcept ImportError as error:\n print(error)"
        return run(sys.executable, "-c", program, environment={"BALLAST_LIBRARY": path, "PYTHONPATH": PYTHON})

    assert "/nowhere/libballast.so" in import_with("/nowhere/libballast.so")
    assert "BALLAST_LIBRARY" in import_with(os.path.join(PYTHON, "pyproject.toml"))
