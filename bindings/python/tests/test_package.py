"""The package itself: its types, its archives, and how it finds its library."""

from __future__ import annotations

import ast
import json
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
        "conn.listNetworks()\n"
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
    assert 'Module has no attribute "nonsense"' in result.stdout and '"listNetworks"' in result.stdout and "Found 2 errors" in result.stdout


def test_the_version_is_the_projects() -> None:
    import ballast

    with open(os.path.join(CHECKOUT, "Directory.Build.props"), encoding="utf-8") as properties:
        version = re.search("<Version>(.*)</Version>", properties.read())
    assert version is not None and ballast.__version__ == version[1]
    from ballast._library import library

    assert library.ballastGetVersion().decode() == ballast.__version__


def test_the_wheel_brings_the_library(archives: Any, tmp_path: Any) -> None:
    wheel, _ = archives
    assert os.path.basename(wheel).startswith("ballast_vm-")
    assert re.search(r"-py3-none-manylinux_2_\d+_(x86_64|aarch64)\.whl$", wheel)
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        (metadata,) = [name for name in names if name.endswith(".dist-info/METADATA")]
        assert "\nName: ballast-vm\n" in archive.read(metadata).decode()
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
    run(python, "-m", "pip", "uninstall", "--yes", "--quiet", "ballast-vm")


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


def run_module(*arguments: str, library: "str | None" = None) -> "subprocess.CompletedProcess[str]":
    """Runs ``python -m ballast``."""
    settings = {**os.environ, "PYTHONPATH": PYTHON, "PYTHONIOENCODING": "utf-8"}
    if library is not None:
        settings["BALLAST_LIBRARY"] = library
    return subprocess.run(
        [sys.executable, "-m", "ballast", *arguments],
        env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True, check=False,
    )  # fmt: skip


def test_the_module_shows_version_library_and_guests(library: str) -> None:
    import ballast

    uri = "test:///fleet?domains=5&seed=1"
    shown = run_module("-c", uri)
    assert (shown.returncode, shown.stderr) == (0, "")
    first, heads, *rows = shown.stdout.splitlines()
    assert first == f"ballast {ballast.__version__}, {library} {ballast.__version__}, {uri}"
    assert heads.split() == ["domain", "id", "used", "available", "actual", "reason"] and len(rows) == 5

    told = json.loads(run_module("-c", uri, "--json").stdout)
    assert (told["version"], told["library"]) == (ballast.__version__, {"path": library, "version": ballast.__version__})
    assert told["uri"] == uri and [row.split()[0] for row in rows] == [one["domain"] for one in told["domains"]]
    with ballast.open(uri) as conn:
        assert {one["domain"]: list(one) for one in told["domains"]} == {one["domain"]: list(one) for one in ballast.sample(conn)}


def test_the_module_says_in_one_line_what_is_wrong() -> None:
    for arguments, missing, words in (
        (["-c", "nonsense:///"], None, "nonsense"),
        ([], "/nowhere/libballast.so", "BALLAST_LIBRARY"),
    ):
        failed = run_module(*arguments, library=missing)
        assert failed.returncode == 1 and failed.stdout == ""
        assert words in failed.stderr and len(failed.stderr.splitlines()) == 1, failed.stderr


def _imports(tree: ast.AST) -> "Iterator[str]":
    """The package's modules that a module imports, at its beginning or later; not what only a type checker imports."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for other in node.orelse:
                yield from _imports(other)
        elif isinstance(node, ast.ImportFrom) and node.level == 1:
            yield from [node.module] if node.module else [alias.name for alias in node.names]
        elif isinstance(node, ast.Import) and any(alias.name == "ballast" for alias in node.names):
            yield "__init__"
        else:
            yield from _imports(node)


def test_no_module_needs_one_that_needs_it() -> None:
    graph = {}
    for name in os.listdir(os.path.join(PYTHON, "ballast")):
        if name.endswith(".py"):
            with open(os.path.join(PYTHON, "ballast", name), encoding="utf-8") as source:
                graph[name[:-3]] = set(_imports(ast.parse(source.read())))
    assert len(graph) > 15 and {"_error", "_library"} <= graph["_domain"] and "_memory" in graph["_connect_domains"]
    while graph:
        free = {name for name, needed in graph.items() if not needed & set(graph)}
        assert free, f"these import each other in a circle: {graph}"
        graph = {name: needed for name, needed in graph.items() if name not in free}
