"""Make what `kubeproof serve` needs of a real API server's own descriptions out of recordings, small enough to ship.

    python tests/make_documents.py VECTORS [PROTOS]

VECTORS is a folder laid out like the recordings: apiserver/discovery/*.json.xz (each `path`, `accept`, `body`)
and apiserver/table_columns.json.xz. Written are, in impl/apiserver/rest/documents: discovery.json.xz (every document of
discovery, by path), openapi.json.xz (every OpenAPI document, by path) and columns.json.xz (columns of tables, by group,
version and resource). Custom resources of the recording are left out.

PROTOS is a folder with k8s.io/api and k8s.io/apimachinery, the generated.proto files of Kubernetes' own modules; of
these the types that clients send become one descriptor set, harness/serve/protobuf.binpb.xz. That needs grpcio-tools.

Run it when the release changes; the tests of the REST protocol say whether all still fits.
"""

from __future__ import annotations

import json
import lzma
import sys
import tempfile
from pathlib import Path
from typing import Any

import kubeproof

HOME = Path(kubeproof.__file__).parent
CUSTOM = "example.com"
"""The group of the custom resource that was there when it was recorded."""
GROUPS = (
    "apps", "authentication", "authorization", "autoscaling", "batch", "coordination", "core", "discovery",
    "networking", "policy", "rbac", "scheduling", "storage",
)  # fmt: skip
"""The groups whose objects kubectl sends in protobuf."""


def read(path: Path) -> Any:
    """Read a recording."""
    return json.loads(lzma.decompress(path.read_bytes()))


def write(name: str, content: Any) -> None:
    """Write a document, compressed."""
    packed = json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
    (HOME / name).write_bytes(lzma.compress(packed, preset=9 | lzma.PRESET_EXTREME))
    print(f"{name}: {(HOME / name).stat().st_size} bytes")


def without_custom(document: Any) -> Any:
    """Leave out what lists tell of the custom group."""
    if isinstance(document, dict):
        return {key: without_custom(value) for key, value in document.items() if CUSTOM not in key}
    if isinstance(document, list):
        return [without_custom(one) for one in document if not _custom(one)]
    return document


def _custom(one: Any) -> bool:
    return isinstance(one, dict) and CUSTOM in {one.get("name"), (one.get("metadata") or {}).get("name")}


def documents(folder: Path) -> None:
    """Write the documents of discovery and OpenAPI."""
    discovery, openapi = {}, {}
    for path in sorted(folder.glob("*.json.xz")):
        record = read(path)
        where = record["path"].partition("?")[0]
        if CUSTOM in where:
            continue
        if where.startswith("/openapi"):
            openapi[where] = without_custom(record["body"])
        else:
            aggregated = ";aggregated" if "as=APIGroupDiscoveryList" in record["contentType"] else ""
            discovery[where + aggregated] = without_custom(record["body"])
    write("impl/apiserver/rest/documents/discovery.json.xz", discovery)
    write("impl/apiserver/rest/documents/openapi.json.xz", openapi)


def columns(path: Path) -> None:
    """Write the columns of tables."""
    found = {
        f"{one['groupVersion']}/{one['resource']}": one["columns"]
        for one in read(path)
        if CUSTOM not in str(one["groupVersion"])
    }
    write("impl/apiserver/rest/documents/columns.json.xz", found)


def protobuf(folder: Path) -> None:
    """Write the descriptor set of the types that clients send."""
    from grpc_tools import protoc  # type: ignore[import-not-found]

    files = [
        str(path.relative_to(folder))
        for group in GROUPS
        for path in sorted((folder / "k8s.io" / "api" / group).glob("v*/generated.proto"))
        if path.parent.name in {"v1", "v2"}
    ]
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "set.binpb"
        protoc.main(["protoc", f"-I{folder}", "--include_imports", f"--descriptor_set_out={out}", *files])
        packed = lzma.compress(out.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
    (HOME / "harness/serve/protobuf.binpb.xz").write_bytes(packed)
    print(f"harness/serve/protobuf.binpb.xz: {len(packed)} bytes")


def main() -> None:
    """Run the command."""
    vectors = Path(sys.argv[1])
    documents(vectors / "apiserver" / "discovery")
    columns(vectors / "apiserver" / "table_columns.json.xz")
    if len(sys.argv) > 2:
        protobuf(Path(sys.argv[2]))


if __name__ == "__main__":
    main()
