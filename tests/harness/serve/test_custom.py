"""The real kubectl with a custom resource: its definition, its objects, their columns, their schema, their end."""

from __future__ import annotations

from typing import Any

import pytest

from oracles.stories import AGE, own, play, rows

pytestmark = pytest.mark.xdist_group("kubectl")

DEFINITION = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: mydatabases.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: mydatabases, singular: mydatabase, kind: MyDatabase, shortNames: [mydb], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Engine, type: string, jsonPath: .spec.engine}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status', priority: 1}
    - {name: Age, type: date, jsonPath: .metadata.creationTimestamp}
    schema:
      openAPIV3Schema:
        type: object
        description: A database.
        required: [spec]
        properties:
          spec:
            type: object
            description: What is wanted.
            required: [engine]
            properties:
              engine: {type: string, enum: [postgres, mysql], description: Which program.}
              replicas: {type: integer, minimum: 1, maximum: 9, default: 1}
            x-kubernetes-validations:
            - {rule: "self.replicas >= oldSelf.replicas", message: "replicas may not be taken away"}
          status: {type: object, x-kubernetes-preserve-unknown-fields: true}
  - name: v1beta1
    served: true
    storage: false
    deprecated: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
DATABASE = """\
apiVersion: example.com/v1
kind: MyDatabase
metadata: {name: one}
spec: {engine: %s}
"""
UNCHECKED = "some validation rules were not checked because the object was invalid; correct the existing errors .*"


def test_a_custom_resource_is_defined_used_and_taken_away(kubectl: Any) -> None:
    crd, first, wrong, other = (kubectl.home / f"{name}.yaml" for name in ("crd", "first", "wrong", "other"))
    crd.write_text(DEFINITION)
    first.write_text(DATABASE % "postgres")
    wrong.write_text(DATABASE % "oracle")
    other.write_text(DATABASE.replace("engine", "engin") % "mysql")
    name = "customresourcedefinition.apiextensions.k8s.io/mydatabases.example.com"
    place = own(kubectl, "custom")
    play(
        kubectl,
        [
            (f"apply -f {crd}", f"{name} created"),
            ("wait --for=condition=Established crd/mydatabases.example.com --timeout=20s", f"{name} condition met"),
            ("get crd", rows("NAME CREATED AT", r"mydatabases.example.com \S+Z")),
            (
                "api-resources --api-group=example.com",
                rows("NAME SHORTNAMES APIVERSION NAMESPACED KIND", "mydatabases mydb example.com/v1 true MyDatabase"),
            ),
            (f"apply -f {first}", "mydatabase.example.com/one created"),
            ("get mydatabases", rows("NAME ENGINE REPLICAS AGE", f"one postgres 1 {AGE}")),
            ("get mydb -o wide", rows("NAME ENGINE REPLICAS READY AGE", f"one postgres 1 {AGE}")),
            ("get all", r"NAME\s+ENGINE.*mydatabase.example.com/one\s+postgres.*"),
            (f"diff -f {first}", ""),
            (f"apply -f {first}", "mydatabase.example.com/one unchanged"),
            (
                f"apply -f {wrong}",
                (
                    r'The MyDatabase "one" is invalid: \n\* spec.engine: Unsupported value: "oracle": '
                    rf'supported values: "postgres", "mysql"\n\* <nil>: Invalid value: "null": {UNCHECKED}'
                ),
                1,
            ),
            (f"apply -f {other}", '.*strict decoding error: unknown field "spec.engin".*', 1),
            ("scale mydb one --replicas=3", "mydatabase.example.com/one scaled"),
            (
                "scale mydb one --replicas=2",
                'The MyDatabase "one" is invalid: spec: Invalid value: "object": replicas may not be taken away',
                1,
            ),
            ("label mydb one a=b", "mydatabase.example.com/one labeled"),
            ("get mydb -l a=b -o jsonpath={.items[*].spec.replicas}", "3"),
            (
                (
                    "patch mydb one --subresource=status --type=merge "
                    '-p \'{"status":{"conditions":[{"type":"Ready","status":"True"}]}}\''
                ),
                "mydatabase.example.com/one patched",
            ),
            ("wait --for=condition=Ready mydb/one --timeout=10s", "mydatabase.example.com/one condition met"),
            ("get mydb -o wide", rows("NAME ENGINE REPLICAS READY AGE", f"one postgres 3 True {AGE}")),
            ("describe mydb one", r"Name:\s+one\n.*Kind:\s+MyDatabase\n.*Engine:\s+postgres\n.*"),
            (f"apply --server-side --field-manager=ci -f {first}", "mydatabase.example.com/one serverside-applied"),
            (
                "get mydatabases.v1beta1.example.com",
                r"(?s)(Warning: example.com/v1beta1 MyDatabase is deprecated\n)?NAME\s+AGE\none\s+\d+s.*",
            ),
            (
                "explain mydatabase.spec",
                (
                    r"GROUP:\s+example.com\nKIND:\s+MyDatabase\nVERSION:\s+v1\n\nFIELD: spec <Object>\n"
                    r".*What is wanted..*"
                    r"engine\t<string> -required-\n.*enum: postgres, mysql\n.*Which program.*replicas\t<integer>.*"
                ),
            ),
            (
                "delete crd mydatabases.example.com",
                'customresourcedefinition.apiextensions.k8s.io "mydatabases.example.com" deleted.*',
            ),
            ("get mydb", ".*the server (could not find the requested resource|doesn't have a resource type).*", 1),
        ],
        place,
    )


def test_a_definition_without_a_structural_schema_is_refused(kubectl: Any) -> None:
    wrong = kubectl.home / "unstructured.yaml"
    wrong.write_text(DEFINITION.replace("type: integer, minimum: 1, maximum: 9, default: 1", "minimum: 1"))
    said = (
        r'The CustomResourceDefinition "mydatabases.example.com" is invalid: .*'
        r"spec.versions\[0\].schema.openAPIV3Schema.properties\[spec\].properties\[replicas\].type: "
        r"Required value: must not be empty for specified object fields.*"
    )
    play(kubectl, [(f"create -f {wrong}", said, 1)])
