"""The house: what is shipped, which room may import which, and what has no place in any file."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import fields

import kubeproof
from kubeproof.harness.claims.registry import CLAIMS
from kubeproof.harness.input.scenario import Faults
from places import ROOT, TESTS

ROOMS = ("harness", "impl", "model", "properties", "traces")
FAILURES = ROOT / "harness" / "zoo" / "failures"
"""What is checked there is input, also where it is Python."""
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if FAILURES not in path.parents)
SHARED = (
    "fuzz_openapi", "leaving_out", "openapi_requests", "oracles", "overview", "places", "planted", "policy_formulas",
    "recorded", "scenes", "scheduler_lockstep",
)  # fmt: skip
"""What several tests and scripts import, by the names that they call it by."""
HELPERS = sorted(
    path
    for path in TESTS.rglob("*.py")
    if path.relative_to(TESTS).with_suffix("").parts[0] in SHARED and not path.name.startswith("test_")
)
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

ABOVE = ("harness", "traces", "properties", "model")
"""What a claim may import beside the vocabulary: never what it judges."""

MAY_IMPORT = {
    "impl.api": ("impl.api",),
    "impl": ("impl",),
    "model.machine": (),
    "model.checker": ("model.checker", "model.machine"),
    "model": ("model", "impl.api"),
    "properties": ("properties", "model", "impl"),
    "harness.claims": ("impl.api", *ABOVE),
    "traces": ("traces", "properties", "model", "impl"),
    "harness": ("harness", "traces", "properties", "model", "impl"),
    "tests.oracles": ("oracles", "kubeproof.model", "kubeproof.impl"),
    "tests": (*SHARED, "kubeproof"),
}
"""What each room may import of the others; the first entry that a module's name begins with counts."""


def name_of(path: Path) -> str:
    """Name a module as Python does, without the package: impl.api.core."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def is_in(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def imports_of(path: Path, tree: ast.AST) -> Iterator[str]:
    """Yield what a module imports of this package, as names like those of `name_of`."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            yield from (".".join((*base, *(node.module or one.name).split("."))) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names)


def forbidden_imports(path: Path, text: str) -> list[str]:
    """Name every import of a module that the arrows do not allow; in the package, absolute ones never are."""
    name = name_of(path)
    allowed = next(rooms for room, rooms in MAY_IMPORT.items() if is_in(name, room))
    return [
        found
        for found in imports_of(path, ast.parse(text))
        if found.partition(".")[0] in {*ROOMS, *SHARED, "kubeproof"} and not any(is_in(found, room) for room in allowed)
    ]


@pytest.mark.parametrize("path", [*MODULES, *HELPERS], ids=name_of)
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    assert forbidden_imports(path, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("impl/scheduler/x.py", "from ...model.machine import View", ["model.machine"]),
        ("impl/api/x.py", "from ..scheduler import schedule", ["impl.scheduler"]),
        ("model/x.py", "from ..impl.scheduler.run import schedule", ["impl.scheduler.run"]),
        ("model/checker/x.py", "from ...impl.api.core import Pod", ["impl.api.core"]),
        ("traces/x.py", "from ..harness import check", ["harness"]),
        ("properties/x.py", "from ..traces.document import Document", ["traces.document"]),
        ("harness/x.py", "import kubeproof.model", ["kubeproof.model"]),
        ("harness/x.py", "from planted import planted", ["planted"]),
        ("tests/oracles/x.py", "from kubeproof.harness.world import cluster", ["kubeproof.harness.world"]),
        ("harness/claims/budget.py", "from ...impl.controllers.disruption import x", ["impl.controllers.disruption"]),
        ("model/x.py", "from ..impl.api.core import Pod", []),
        ("harness/x.py", "from ..impl.scheduler import schedule\nimport json", []),
        ("tests/recorded/x.py", "from kubeproof.harness.world import cluster\nfrom planted import planted", []),
    ],
    ids=["impl to model", "api to its users", "model to impl", "checker to Kubernetes", "traces to harness",
         "properties to traces", "an absolute import", "harness to what tests share", "an oracle to harness",
         "a claim to what it judges", "model to the vocabulary", "harness to anything", "what tests share to anything"],
)  # fmt: skip
def test_the_arrows_are_really_looked_at(module: str, line: str, found: list[str]) -> None:
    assert forbidden_imports(ROOT / module, line) == found


def named_in(path: Path) -> Iterator[str]:
    """Yield every name that a file imports, modules and what is in them; of the package like those of `name_of`."""
    home = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            base = home[: len(home) - node.level + 1] if node.level else ()
            module = ".".join((*base, *(node.module or "").split("."))).removeprefix("kubeproof.").rstrip(".")
            yield module
            yield from (f"{module}.{alias.name}".lstrip(".") for alias in node.names)


def reached(*begin: str) -> set[str]:
    """Follow imports, also those inside functions, from some modules on."""
    known = {name_of(path): path for path in MODULES}
    waiting, found = list(begin), set[str]()
    while waiting:
        name = waiting.pop()
        if name in known and name not in found:
            found.add(name)
            waiting += (name.rpartition(".")[0], *named_in(known[name]))
    return found


def documented() -> Iterator[str]:
    """Yield the modules that the examples of the pages import: with the names of `kubeproof`, the Python face."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        text = page.read_text(encoding="utf-8")
        yield from re.findall(r"^ *from kubeproof\.([\w.]+) import", text, re.MULTILINE)


FACE = (*kubeproof._HOMES.values(), *kubeproof._MODULES.values(), *kubeproof._NAMESAKES.values())
COMMANDS = ("harness.cli", "harness.plugin", "harness.face", *FACE)
FAULT_FILES = tuple(f"harness.world.faults.{fault.name}" for fault in fields(Faults))
"""They are imported by the names of the fields."""
CLAIM_FILES = tuple(f"harness.claims.{name}" for name in CLAIMS)
"""They are imported by the names of the claims."""
PRINTED = tuple(
    name
    for file in ("proofs.py", "grains.py")
    for name in named_in(TESTS / file)
    if name.startswith(("properties.", "model."))
)
"""The proofs that `make proofs` prints."""


def test_every_module_of_the_wheel_is_in_reach_of_somebody_who_uses_it() -> None:
    """Of a command, the plugin, the Python face or a proof that is printed: what only tests use lies with the tests."""
    found = reached(*COMMANDS, *FAULT_FILES, *CLAIM_FILES, *PRINTED, *documented())
    assert sorted({name_of(path) for path in MODULES} - found) == []


def test_a_module_out_of_reach_would_be_found() -> None:
    without_proofs = reached(*COMMANDS, *FAULT_FILES, *CLAIM_FILES, *documented())
    assert "harness.input.files.reader" in without_proofs
    assert not {"model.components.control_plane.etcd", "properties.refinement.proofs"} & without_proofs
    assert "harness.world.faults.crash" not in reached(*COMMANDS)


def test_the_packages_on_disk_are_the_packages_shipped() -> None:
    on_disk = {"kubeproof"} | {f"kubeproof.{name_of(path)}" for path in MODULES if path.name == "__init__.py"}
    folders = {f"kubeproof.{'.'.join(path.parent.relative_to(ROOT).parts)}" for path in MODULES}
    assert folders <= on_disk, "a folder with modules but without __init__.py"
    assert sorted(PROJECT["tool"]["setuptools"]["packages"]) == sorted(on_disk)


def test_no_stray_module_lies_in_the_root() -> None:
    assert sorted(path.name for path in ROOT.glob("*.py")) == ["__init__.py", "__main__.py"]


def test_tests_are_no_package_and_what_they_share_hides_no_module() -> None:
    assert {path.parent.name for path in TESTS.rglob("__init__.py")} <= set(SHARED)
    assert not {path.stem for path in TESTS.iterdir()} & sys.stdlib_module_names


def test_tests_lie_where_their_subject_does() -> None:
    """In folders of the product, of what tests share, with the real kernel, or beside the scripts."""
    folders = {path.parent.relative_to(TESTS) for path in TESTS.rglob("test_*.py")}
    assert Path("impl/etcd") in folders
    elsewhere = {folder for folder in folders if not (ROOT / folder).is_dir()}
    assert {folder.as_posix() for folder in elsewhere} == {"kernel", "recorded"}


@pytest.mark.parametrize("path", [*MODULES, *HELPERS], ids=name_of)
def test_a_module_says_what_it_is(path: Path) -> None:
    said = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    assert len(said) > 20
    assert "placeholder" not in said.lower()


TEXTS = sorted(
    path
    for pattern in ("*.py", "*.md", "*.toml", "*.yaml", "Makefile", ".ci/*", "traces/corpus/*.json")
    for path in ROOT.rglob(pattern)
    if not {"build", ".venv", ".git", "vectors", "dist"} & set(path.relative_to(ROOT).parts)
)
LEFTOVERS = re.compile("|".join(("/wo" + "rk/", "/op" + "t/", "TO" + "DO", "FIX" + "ME", "XX" + "X", "/ro" + "ot/")))


def test_no_file_holds_leftovers_or_paths_of_one_machine() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if LEFTOVERS.search(line)
    ]
    assert found == []


def test_a_leftover_would_be_found() -> None:
    assert LEFTOVERS.search("# TO" + "DO: later")
    assert len(TEXTS) > 100


def test_the_readme_names_every_room_and_links_to_files_that_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(\w+)/` \|", readme, re.MULTILINE)
    assert sorted(listed) == sorted((*ROOMS, "examples", "tests"))
    links = re.findall(r"\]\(([^)#]+)\)", readme)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_ci_runs_the_commands_that_the_readme_promises() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    promised = re.findall(r"^    (pip install .*)$", readme, re.MULTILINE)
    assert promised == ["pip install . && kubeproof check examples/web", "pip install '.[test]' && pytest"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "promised" in script
    assert "pip install . &&" not in script


def shipped(folder: Path) -> set[str]:
    """Return what belongs into a wheel: modules, the type marker, tables, documents, folders of the zoo, the page."""
    reading, documents = folder / "impl" / "api" / "reading", folder / "impl" / "apiserver" / "rest" / "documents"
    tables = (*reading.glob("*.json.xz"), *documents.glob("*.json.xz"), *(folder / "harness").rglob("*.binpb.xz"))
    failures = (folder / "harness" / "zoo" / "failures").rglob("*.yaml")
    page = (path for path in (folder / "traces" / "page").iterdir() if path.suffix in {".html", ".css", ".js"})
    data = {*tables, *failures, *page, folder / "py.typed"}
    modules = {path for room in ROOMS for path in (folder / room).rglob("*.py")} | set(folder.glob("__*__.py"))
    return {f"kubeproof/{path.relative_to(folder).as_posix()}" for path in modules | data}


def build(what: str, source: Path, target: Path) -> Path:
    """Build with setuptools as it is installed: no network, no isolation."""
    code = f"import sys; from setuptools import build_meta as b; b.build_{what}(sys.argv[1])"
    target.mkdir()
    subprocess.run([sys.executable, "-c", code, str(target)], cwd=source, check=True, capture_output=True)
    (built,) = target.iterdir()
    return built


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the tree, so that building leaves nothing behind in it."""
    ignore = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "vectors")
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("tree") / "anyname", ignore=ignore))


def test_the_wheel_and_the_wheel_made_of_the_sdist_hold_every_module(copied: Path, tmp_path: Path) -> None:
    wheel = build("wheel", copied, tmp_path / "wheel")
    with tarfile.open(build("sdist", copied, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert {"LICENSE", "README.md", "pyproject.toml"} <= {path.name for path in unpacked.iterdir()}
    for built in (wheel, build("wheel", unpacked, tmp_path / "again")):
        with zipfile.ZipFile(built) as archive:
            names = {name for name in archive.namelist() if ".dist-info/" not in name}
            assert names == shipped(ROOT)
            assert any(name.endswith("licenses/LICENSE") for name in archive.namelist())


def test_the_page_of_the_architecture_lists_every_folder_in_its_own_words() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = re.findall(r"^ *- `([a-z_/]+)/`: (.*)$", page, re.MULTILINE)
    folders = {
        path.parent.relative_to(ROOT).as_posix(): (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
        for path in (*MODULES, *HELPERS)
        if path.name == "__init__.py"
    }
    assert dict(listed) == {name: said.splitlines()[0] for name, said in folders.items()}


def test_the_pages_name_only_files_that_exist() -> None:
    pages = (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md")))
    places = r"\b((?:harness|impl|model|properties|tests|examples)/[\w/.-]*\w)(?![\w*])"
    found = {one for page in pages for one in re.findall(places, page.read_text(encoding="utf-8"))}
    assert len(found) > 100
    assert sorted(one for one in found if not (ROOT / one).exists() and not (ROOT / f"{one}.py").exists()) == []


def test_what_kubernetes_itself_names_is_spelled_once() -> None:
    """Labels and taints in impl/api/well_known.py, and the default of spec.replicas beside the field."""
    source = (ROOT / "impl" / "api" / "well_known.py").read_text(encoding="utf-8")
    words = re.findall(r'^[A-Z_]+ = ("[^"]+")$', source, re.MULTILINE)
    assert len(words) > 10
    found = [
        f"{name_of(path)}: {word}"
        for path in (*MODULES, *HELPERS)
        for word in (*words, "replicas is None")
        if word in path.read_text(encoding="utf-8") and name_of(path) not in {"impl.api.well_known", "impl.api.apps"}
    ]
    assert found == ["impl.api.reading.unmodelled_kinds: replicas is None"]  # of kinds that have no class


@pytest.mark.parametrize(
    ("mechanism", "room"),
    [("get_close_matches", "impl.api.reading.nearest"), ("fsync", "model.checker.replacing")],
    ids=["a word that nothing knows", "a file that is replaced whole"],
)
def test_a_mechanism_is_written_once(mechanism: str, room: str) -> None:
    assert [name_of(path) for path in MODULES if mechanism in path.read_text(encoding="utf-8")] == [room]


JUDGING = ("harness.check", "harness.claims", "harness.world", "tests.recorded")
COMPARED = re.compile(
    r"(?:action|label|slot)(?:\.name)?\.(?:startswith|endswith)\(|(?:action|label)\s+(?:==|in)\s+[\"'({]"
)
"""How code would ask the name of an action, a step or a slot what it is."""


@pytest.mark.parametrize(
    "path", [one for one in (*MODULES, *HELPERS) if any(is_in(name_of(one), room) for room in JUDGING)], ids=name_of
)
def test_names_are_for_people_and_never_compared(path: Path) -> None:
    """Who acts, by which verb and on what are values (`Action.by`, `verb`, `on`); so are the steps of a kubelet."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.strip() for line in lines if COMPARED.search(line)] == []


def test_a_comparison_of_names_would_be_found() -> None:
    for line in ('return action.startswith("kubectl ")', 'if step.label == "SIGTERM":', 'slot.startswith("proxy/")'):
        assert COMPARED.search(line)
