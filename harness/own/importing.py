"""Where functions of users live: `module:function`, or `file.py:function`, and a digest of the file's text.

A trace names its functions so. A replay takes them only if the text is the one that was recorded: nothing of another
text is run.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from inspect import getsourcefile, unwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import evolve, frozen

from ...impl.api.reading.convert import from_json, unstructure
from ...impl.api.reading.load import BadInput, Problem
from ...impl.api.reading.nearest import did_you_mean
from ...impl.api.values.frozen import thaw
from .controllers import Controller, Own
from .properties import Said
from .syncs import told

ALONE = "kubeproof_own_"
"""What the names of modules begin with that were read from a file that is named."""
FROM_HERE = "it is looked for from here, and as Python does"
EXPECTED = "expected module:function, or file.py:function"


@frozen
class Source:
    """A function by the module or file it is in and its name, and the digest of the file's text, "" for any."""

    place: str
    name: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.place}:{self.name}"


def parse(text: str, option: str) -> Source:
    """Read `module:function`. Raises BadInput."""
    place, colon, name = text.rpartition(":")
    if not colon or not place or not name.isidentifier():
        raise _bad(option, f"{text!r} names no function", EXPECTED)
    return Source(place, name)


def load(source: Source, option: str) -> Any:
    """Import what a source names, if its text is the one of its digest. Raises BadInput."""
    path = _file(source.place, option)
    if source.digest and (found := digest(path)) != source.digest:
        why = f"{source} is not the one that was recorded: the text of {path.name} has the digest {found}"
        raise _bad(option, why, f"recorded was {source.digest}; check again for a new trace")
    module = _imported(source.place, path, option)
    if not hasattr(module, source.name):
        known = [name for name, value in vars(module).items() if isinstance(value, Controller | Said)]
        raise _bad(option, f"there is no {source.name!r} in {source.place}", did_you_mean(source.name, known))
    return getattr(module, source.name)


def own_of(controllers: Iterable[Source], properties: Iterable[Source], option: str = "") -> Own:
    """Import controllers and properties; `option` is where they are named, if not by their own. Raises BadInput."""
    how = ("@kubeproof.controller(kind=...)", "@kubeproof.always, never, eventually, step, or leads_to")
    found = tuple(_typed(source, Controller, option or "--controller", how[0]) for source in controllers)
    return Own(found, tuple(_typed(source, Said, option or "--property", how[1]) for source in properties))


def named_own(controllers: Iterable[str], properties: Iterable[str]) -> Own:
    """Import what is named on the command line. Raises BadInput."""
    return own_of(
        tuple(parse(controller, "--controller") for controller in controllers),
        tuple(parse(prop, "--property") for prop in properties),
    )


CONTROLLERS, PROPERTIES, MADE = "controllers", "properties", "made"
"""The options under which a trace names the functions of its user, and what they have been seen to make."""


def recorded(own: Own) -> dict[str, Any]:
    """Return how a trace names controllers and properties."""
    named = {CONTROLLERS: own.controllers, PROPERTIES: own.properties}
    made = {MADE: [unstructure(obj) for obj in own.made]} if own.made else {}
    return {
        **{key: [_recorded(source_of(function)) for function in found] for key, found in named.items() if found},
        **made,
    }


def _recorded(source: Source) -> dict[str, str]:
    return {"function": str(source), "digest": source.digest}


def from_record(options: Mapping[str, Any]) -> Own:
    """Import the controllers and properties that a trace names. Raises BadInput where their text is another by now."""
    found = {key: tuple(map(_from_record, options.get(key, ()))) for key in (CONTROLLERS, PROPERTIES)}
    made = tuple(map(from_json, thaw(options.get(MADE, ()))))
    return evolve(own_of(found[CONTROLLERS], found[PROPERTIES], "trace"), made=made)


def _from_record(given: Mapping[str, str]) -> Source:
    source = parse(str(given["function"]), "trace")
    return evolve(source, digest=str(given["digest"]))


def _typed(source: Source, cls: type, option: str, how: str) -> Any:
    found = load(source, option)
    if not isinstance(found, cls):
        raise _bad(option, f"{source} is a {type(found).__name__}", f"make it one with {how}")
    return found


def source_of(one: Controller | Said) -> Source:
    """Return where a controller or a property is written: its module if that can be imported by name, else its file."""
    function: Any = unwrap(one.reconcile if isinstance(one, Controller) else one.check)
    file = getsourcefile(function)
    path = Path(file or "")
    home = function.__module__ or ""
    module = sys.modules.get(home)
    name = next((key for key, value in vars(module).items() if value is one), function.__name__) if module else ""
    importable = home != "__main__" and not home.startswith(ALONE) and _same(home, path)
    place = home if importable else _here(path)
    return Source(place, name or function.__name__, digest(path) if path.is_file() else "")


def _same(module: str, path: Path) -> bool:
    """Tell whether a module of that name is found, and is this file."""
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return False
    return spec is not None and spec.origin is not None and Path(spec.origin) == path


def _here(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def digest(path: Path) -> str:
    """Return the digest of a file's text."""
    return blake2b(path.read_bytes(), digest_size=16).hexdigest()


def _file(place: str, option: str) -> Path:
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise _bad(option, f"there is no file {place}", FROM_HERE)
        return Path(place)
    _look_here()
    try:
        spec = find_spec(place)
    except ModuleNotFoundError as error:
        raise _bad(option, f"there is no module {place}: {error}", FROM_HERE) from None
    if spec is None or spec.origin is None or not Path(spec.origin).is_file():
        raise _bad(option, f"there is no module {place}", FROM_HERE)
    return Path(spec.origin)


def _look_here() -> None:
    """Let modules be found from the folder that one is in, as `python -m` does."""
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)


def _imported(place: str, path: Path, option: str) -> ModuleType:
    try:
        return _read(path) if place.endswith(".py") else import_module(place)
    except Exception as error:  # noqa: BLE001 - whatever a user's module raises is told
        raise _bad(option, f"{place} cannot be imported: {told(error)}", "") from None


def _read(path: Path) -> ModuleType:
    """Read a module from a file, under a name that is told by its text."""
    name = f"{ALONE}{digest(path)[:12]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _bad(option: str, message: str, hint: str) -> BadInput:
    return BadInput((Problem(option, 0, "", message, hint),))
