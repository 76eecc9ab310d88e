"""Everything wrong with the input is said at once, with file, line, field and what was expected."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from kubeproof.impl.api.core import Pod
from kubeproof.impl.api.kinds import ref_of
from kubeproof.impl.api.reading.load import BadInput, Loaded, Text, objects_in, read_sources
from kubeproof.impl.api.reading.nearest import nearest
from kubeproof.impl.api.reading.relevance import IRRELEVANT
from kubeproof.impl.api.reading.schema import errors_in, is_built_in, kind_names, table, versions_of
from kubeproof.impl.api.reading.unmodelled_kinds import FILES
from kubeproof.impl.api.reading.yaml_source import TEMPLATE

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n  containers:\n  - name: c\n    image: nginx\n"
DEPLOYMENT = """\
# a comment
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: %s
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: c
        image: nginx
"""


CRON_JOB = """apiVersion: batch/v1
kind: CronJob
metadata: {name: c}
spec:
  schedule: %r
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
"""


def loaded(text: str, file: str = "web.yaml") -> Loaded:
    return objects_in([Text(file, text)])


def problems(text: str, file: str = "web.yaml") -> list[str]:
    with pytest.raises(BadInput) as caught:
        loaded(text, file)
    assert str(caught.value).splitlines() == [str(one) for one in caught.value.problems]
    return [str(one) for one in caught.value.problems]


def test_objects_keep_their_order_file_and_lines() -> None:
    found = loaded(f"{DEPLOYMENT % 3}---\n{POD % 'p'}").objects
    assert [(str(ref_of(one.object)), one.source.line) for one in found] == [
        ("Deployment default/web", 2),
        ("Pod default/p", 18),
    ]
    assert found[0].source.line_of("spec.template.spec.containers[0].image") == 16
    assert found[0].source.line_of("spec.template.spec.containers[0].resources.limits[cpu]") == 15
    assert found[1].source.file == "web.yaml"


def test_an_object_without_a_namespace_gets_the_default_one_and_a_node_none() -> None:
    node = "apiVersion: v1\nkind: Node\nmetadata: {name: n1}\n"
    other = (POD % "p").replace("{name: p}", "{name: p, namespace: prod}")
    found = objects_in([Text("a", f"{POD % 'p'}---\n{node}---\n{other}")], namespace="team").objects
    assert [one.object.metadata.namespace for one in found] == ["team", "", "prod"]


def test_lists_are_taken_apart_even_lists_in_lists() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: PodList\n  items:\n"
    text += "".join(f"  - apiVersion: v1\n    kind: Pod\n    metadata: {{name: {name}}}\n" for name in "ab")
    found = loaded(text).objects
    assert [(one.object.metadata.name, one.source.line) for one in found] == [("a", 7), ("b", 10)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DEPLOYMENT % "three", ['web.yaml:7: spec.replicas: expected an integer, got "three"']),
        (DEPLOYMENT % '"3"', ['web.yaml:7: spec.replicas: expected an integer, got "3" (leave the quotes out)']),
        (
            (DEPLOYMENT % 3).replace("replicas", "repicas"),
            ["web.yaml:7: spec.repicas: Kubernetes 1.36 has no such field (did you mean replicas?)"],
        ),
        (
            (DEPLOYMENT % 3).replace("  selector", "  containers: []\n  selector"),
            ["web.yaml:8: spec.containers: Kubernetes 1.36 has no such field"],
        ),
        (
            (POD % "p").replace("    image: nginx", "    image: 3\n    hostNetwork: true"),
            [
                "web.yaml:7: spec.containers[0].image: expected a string, got 3 (put it in quotes)",
                "web.yaml:8: spec.containers[0].hostNetwork: Kubernetes 1.36 has no such field (it is a field of spec)",
            ],
        ),
        (
            (POD % "p") + "    resources: {limits: {cpu: fast}}\n",
            [
                (
                    "web.yaml:8: spec.containers[0].resources.limits[cpu]: "
                    'expected a quantity such as 500m or 64Mi, got "fast"'
                )
            ],
        ),
        (
            POD % "n",
            [
                (
                    "web.yaml:3: metadata.name: expected a string, got false "
                    "(YAML reads an unquoted yes, no, on, off, y or n as true or false: put it in quotes)"
                )
            ],
        ),
        (
            POD % "{a: 1}",
            ['web.yaml:3: metadata.name: expected a string, got {"a": 1}'],
        ),
        (
            (DEPLOYMENT % 3).replace("apps/v1", "extensions/v1beta1"),
            [
                (
                    'web.yaml:2: apiVersion: Kubernetes no longer serves "extensions/v1beta1" for Deployment, '
                    "since 1.16 (write apps/v1: it needs spec.selector, with the labels of its template)"
                )
            ],
        ),
        (
            (DEPLOYMENT % 3).replace("apps/v1", "apps/v3"),
            ['web.yaml:2: apiVersion: unknown apiVersion "apps/v3" (Deployment is apps/v1)'],
        ),
        (
            (DEPLOYMENT % 3).replace("kind: Deployment", "kind: deploymnet"),
            ['web.yaml:3: kind: unknown kind "deploymnet" (did you mean Deployment?)'],
        ),
        (
            "metadata: {}\n",
            [
                "web.yaml:1: apiVersion: every object has one, this one has none",
                "web.yaml:1: kind: every object has one, this one has none",
                "web.yaml:1: metadata.name: every object has a name, this one has none",
            ],
        ),
        ("apiVersion: 1\nkind: [Pod]\nmetadata: {name: x}\n", [
            "web.yaml:1: apiVersion: expected a string, got 1",
            'web.yaml:2: kind: expected a string, got ["Pod"]',
        ]),
        ("- a\n", ['web.yaml:1: expected an object, a map with apiVersion and kind, got ["a"]']),
        ("just text\n", ['web.yaml:1: expected an object, a map with apiVersion and kind, got "just text"']),
        ("", ["web.yaml: the file is empty"]),
        ("# only a comment\n---\n", ["web.yaml: no objects in it"]),
        (
            CRON_JOB % "60 * * * *",
            ['web.yaml:5: spec.schedule: "60 * * * *" is no schedule: end of range (60) above maximum (59): 60'],
        ),
        (
            CRON_JOB % "TZ=UTC 0 9 * * *",
            ["web.yaml:5: spec.schedule: cannot use TZ or CRON_TZ in schedule (use the field timeZone instead)"],
        ),
        (CRON_JOB % "", ['web.yaml:5: spec.schedule: "" is no schedule: empty spec string']),
        (
            f"{POD % 'p'}---\n{POD % 'p'}  restartPolicy: Never\n",
            ["web.yaml:9: metadata.name: Pod default/p is already defined in web.yaml:1"],
        ),
        (
            POD % "{{ .Values.name }}",
            [
                f"web.yaml:3: metadata.name: malformed YAML: a key is a list or a map ({TEMPLATE})",
            ],
        ),
        (
            (POD % "p") + "    image: httpd\n",
            ["web.yaml:8: spec.containers[0].image: the key is already set in line 7"],
        ),
    ],
    ids=lambda value: value[0].partition(": ")[2][:60] if isinstance(value, list) else "",
)  # fmt: skip
def test_each_mistake_is_shown_where_it_is(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_a_document_that_nothing_parts_from_the_one_before_is_told_so() -> None:
    assert problems((POD % "p") + (POD % "q"))[:2] == [
        "web.yaml:8: apiVersion: the key is already set in line 1; a line --- parts two documents",
        "web.yaml:9: kind: the key is already set in line 2",
    ]


def test_a_cron_job_with_a_schedule_is_taken() -> None:
    (found,) = loaded(CRON_JOB % "@daily").objects
    assert ref_of(found.object).kind == "CronJob"
    assert loaded(CRON_JOB % "@daily").unmodelled == ()


def test_all_problems_of_all_documents_and_files_are_reported() -> None:
    bad = DEPLOYMENT % "x"
    with pytest.raises(BadInput) as caught:
        objects_in([Text("a.yaml", f"{bad}---\n{bad}"), Text("b.yaml", "a: [1\n"), Text("c.yaml", POD % "p")])
    assert [(one.file, one.line) for one in caught.value.problems][:2] == [("a.yaml", 7), ("a.yaml", 24)]
    assert [one.file for one in caught.value.problems] == ["a.yaml", "a.yaml", "b.yaml"]


BINDING = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: {0}Binding
metadata: {{name: a, namespace: kube-system}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: {0}, name: a}}
"""
CLASS = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: high, namespace: prod}\nvalue: 1\n"


def test_a_namespace_is_left_out_where_a_kind_lives_in_none() -> None:
    text = "---\n".join((BINDING.format("Role"), BINDING.format("ClusterRole"), CLASS))
    refs = [str(ref_of(one.object)) for one in loaded(text).objects]
    assert refs == ["RoleBinding kube-system/a", "ClusterRoleBinding a", "PriorityClass high"]


def test_the_same_name_in_two_namespaces_or_kinds_is_no_repetition() -> None:
    other = (POD % "p").replace("{name: p}", "{name: p, namespace: prod}")
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: p}\nspec: {ports: [{port: 80}]}\n"
    generated = (POD % "p").replace("{name: p}", "{generateName: p}")
    assert len(loaded("---\n".join([POD % "p", other, service, generated, generated])).objects) == 5


def test_what_is_written_twice_in_the_same_words_is_taken_once() -> None:
    """As kubectl apply does it: the second time nothing changes."""
    twice = loaded(f"{POD % 'p'}---\n{POD % 'p'}")
    assert len(twice.objects) == 1
    (note,) = (note for note in twice.unmodelled if "same words" in note.message)
    assert (note.line, note.message, note.claims) == (9, "it is written in the same words in web.yaml:1: left out", ())


def test_a_kind_without_a_class_may_be_written_again_otherwise() -> None:
    one = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, labels: {it: %s}}\n"
    found = loaded(f"{one % 'here'}---\n{one % 'there'}").others
    assert [str(other.ref) for other in found] == ["ServiceAccount default/a"] * 2


def test_a_field_that_is_not_modelled_is_a_note_with_its_line_unless_it_cannot_matter() -> None:
    pod = POD % "p" + "    env: [{name: A}]\n    args: [x]\n  os: {name: linux}\n"
    notes = [str(note) for note in loaded(pod + "  volumes: [{name: v, emptyDir: {}}]\n").unmodelled]
    assert notes == ["web.yaml:10: Pod default/p spec.os: not modelled"]


def test_a_volume_that_is_the_same_from_every_node_is_no_note() -> None:
    pod = (
        POD % "p" + "  volumes: [{name: a, nfs: {server: s, path: /}}, {name: b, csi: {driver: secrets.example.com}}]\n"
    )
    assert not loaded(pod).unmodelled


def test_a_volume_that_can_bind_a_pod_to_a_node_is_a_note() -> None:
    pod = POD % "p" + "  volumes: [{name: v, ephemeral: {volumeClaimTemplate: {spec: {}}}}]\n"
    assert [note.field for note in loaded(pod).unmodelled] == ["spec.volumes"]


def test_kinds_that_are_not_modelled_are_notes_and_so_are_custom_resources() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n---\n"
    text += "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nmetadata: {name: m}\nwhatever: 1\n"
    found = loaded(text)
    assert found.objects == ()
    assert [str(note) for note in found.unmodelled] == [
        f"web.yaml:1: ConfigMap default/c: this kind is not modelled; no claim hangs on it: {FILES}",
        "web.yaml:6: ServiceMonitor m: this custom resource is not modelled",
    ]
    assert [note.claims for note in found.unmodelled] == [(), ()]
    assert [(str(one.ref), one.custom) for one in found.others] == [
        ("ConfigMap default/c", False),
        ("ServiceMonitor m", True),
    ]


def test_a_custom_resource_needs_a_name_and_a_map_for_it_but_nothing_else_is_checked() -> None:
    custom = "apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\n"
    assert problems(custom) == ["web.yaml:1: metadata.name: every object has a name, this one has none"]
    assert problems(f"{custom}metadata: [a]\n") == ['web.yaml:3: metadata: expected a map, got ["a"]']
    assert len(loaded(f"{custom}metadata: {{name: m}}\nspec: [1]\n").unmodelled) == 1


def test_a_chart_is_recognised() -> None:
    kind, _ = problems("apiVersion: v2\nname: web\nversion: 0.1.0\n")
    assert kind.endswith("this one has none (it looks like Helm's: render the chart first)")
    assert len(problems("apiVersion: [v2]\nversion: 0.1.0\n")) == 3
    assert "Helm" not in problems("apiVersion: v1\nmetadata: {name: x}\n")[0]


def test_a_value_that_is_modelled_in_part_is_a_note() -> None:
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  type: %s\n  ports: [{port: 80}]\n"
    (note,) = loaded(text % "LoadBalancer").unmodelled
    assert (note.line, note.field) == (5, "spec.type")
    assert loaded(text % "NodePort").unmodelled == ()


def test_a_job_that_another_controller_runs_is_a_note() -> None:
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {managedBy: example.com/me}\n"
    assert [str(note) for note in loaded(job).unmodelled] == [
        "web.yaml:4: Job default/j spec.managedBy: its own controller does nothing about it"
    ]


def test_every_field_said_to_be_irrelevant_is_one_of_kubernetes_and_has_a_reason() -> None:
    for cls, fields in IRRELEVANT.items():
        names = [name for name in table()["types"] if name.endswith((f".{cls}", f".Cluster{cls}"))]
        assert all(any(field in table()["types"][name] for name in names) for field in fields), cls
        assert all(reason for reason in fields.values())


def test_an_autoscaler_of_the_first_version_is_one_of_the_version_that_is_stored() -> None:
    newer = """apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
"""
    older = newer.replace("autoscaling/v2", "autoscaling/v1").partition("  metrics:")[0]
    spent = "status: {currentCPUUtilizationPercentage: 9, currentReplicas: 1, desiredReplicas: 1}\n"
    found = loaded(f"{older}  targetCPUUtilizationPercentage: 50\n{spent}")
    assert (found.unmodelled, found.others) == ((), ())
    assert found.objects[0].object.spec == loaded(newer).objects[0].object.spec  # type: ignore[attr-defined]
    assert loaded(older).objects[0].object.spec.metrics == ()  # type: ignore[attr-defined]
    assert problems(older.replace("v1", "v7", 1)) != []


def test_the_schema_knows_what_a_mistake_was_meant_to_be() -> None:
    assert nearest("Deploymnet", kind_names()) == "Deployment"
    assert nearest("zzz", kind_names()) == ""
    assert versions_of("Deployment") == ("apps/v1",)
    assert versions_of("HorizontalPodAutoscaler") == ("autoscaling/v1", "autoscaling/v2")
    assert is_built_in("apps/v7", "Deployment")
    assert is_built_in("foo.k8s.io/v1", "NetworkPolicy")
    assert not is_built_in("gateway.networking.k8s.io/v1", "HTTPRoute")
    assert not is_built_in("monitoring.coreos.com/v1", "Service")
    (error,) = errors_in({"spec": {"httpGet": {}}}, "v1", "Service")
    assert error.path == "spec.httpGet"


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, 1.5, True, "x"])
def test_a_32_bit_field_takes_no_more_than_that(value: object) -> None:
    assert errors_in({"spec": {"replicas": value}}, "apps/v1", "Deployment")
    assert not errors_in({"spec": {"replicas": 2**31 - 1}}, "apps/v1", "Deployment")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("[]", "expected a map, got []"),
        ("{template: {spec: {containers: {}}}}", "expected a list, got {}"),
        ("{selector: {matchLabels: [a]}}", 'expected a map, got ["a"]'),
        ("{paused: 1}", "expected true or false, got 1"),
        ("{progressDeadlineSeconds: '600'}", 'expected an integer, got "600"'),
        ("{strategy: {rollingUpdate: {maxSurge: [1]}}}", "expected an integer or a string, got [1]"),
        ("{template: {metadata: {creationTimestamp: now}}}", "expected a time such as 2025-01-31T12:00:00Z"),
        ("{template: {spec: {overhead: {cpu: true}}}}", "expected a quantity such as 500m or 64Mi, got true"),
        ("{template: {spec: {containers: [~]}}}", "expected a map, got null"),
        ("{matchLabels: {}}", "Kubernetes 1.36 has no such field (it belongs under selector)"),
        (f"{{paused: {'x' * 100}}}", f'expected true or false, got "{"x" * 56}...'),
    ],
)
def test_every_type_has_its_message(spec: str, message: str) -> None:
    (problem,) = problems(f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: d}}\nspec: {spec}\n")
    assert message in problem


# --- files --------------------------------------------------------------------------------------------------------


def load_objects(sources: Iterable[str | Path]) -> Loaded:
    texts, wrong = read_sources(sources)
    return objects_in(texts, "default", wrong)


def refused(*sources: Path | str) -> str:
    with pytest.raises(BadInput) as caught:
        load_objects(sources)
    return str(caught.value)


def test_a_folder_gives_its_manifests_by_name_and_not_those_below_it(tmp_path: Path) -> None:
    for name in ("b.yml", "a.yaml", "c.json", "note.txt"):
        (tmp_path / name).write_text(POD % name[0])
    (tmp_path / "c.json").write_text('{"apiVersion": "v1",\n\t"kind": "Pod",\n\t"metadata": {"name": "c"}}')
    (tmp_path / "empty.yaml").write_text("")
    (tmp_path / "switched-off.yaml").write_text("---\n# Source: chart/templates/ingress.yaml\n\n---\n")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "d.yaml").write_text(POD % "d")
    assert [one.object.metadata.name for one in load_objects([tmp_path]).objects] == ["a", "b", "c"]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xef\xbb\xbf" + (POD % "p").encode())
    assert isinstance(load_objects([tmp_path / "p.yaml"]).objects[0].object, Pod)


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO((POD % "p").encode())))
    assert load_objects(["-"]).objects[0].source.file == "stdin"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert refused("-") == "stdin: the file is empty"


def test_what_cannot_be_read_is_said_together(tmp_path: Path) -> None:
    (tmp_path / "binary.yaml").write_bytes(b"\x7fELF\x00\xff")
    (tmp_path / "zero.yaml").write_bytes(b"a: \x00")
    (tmp_path / "empty.yaml").write_text(" \n")
    names = ("binary.yaml", "empty.yaml", "missing.yaml", "zero.yaml")
    assert refused(*(tmp_path / name for name in names)).splitlines() == [
        f"{tmp_path}/binary.yaml: not a text file: expected YAML or JSON in UTF-8",
        f"{tmp_path}/empty.yaml: the file is empty",
        f"{tmp_path}/missing.yaml: no such file or folder",
        f"{tmp_path}/zero.yaml: not a text file: expected YAML or JSON in UTF-8",
    ]


def test_a_file_that_may_not_be_read_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert refused(tmp_path / "p.yaml") == f"{tmp_path}/p.yaml: cannot be read: Permission denied"


def test_a_folder_without_manifests_says_where_some_are(tmp_path: Path) -> None:
    assert "the folder has no manifests" in refused(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "p.yaml").write_text(POD % "p")
    assert f"there are some in {tmp_path}/below" in refused(tmp_path)


@pytest.mark.parametrize(
    ("marker", "tool"), [("kustomization.yaml", "kubectl kustomize"), ("Chart.yaml", "helm template")]
)
def test_a_folder_that_has_to_be_rendered_first_is_refused_with_the_command(
    tmp_path: Path, marker: str, tool: str
) -> None:
    (tmp_path / marker).write_text("")
    (tmp_path / "p.yaml").write_text(POD % "p")
    assert f"{tool} {tmp_path} | kubeproof check -" in refused(tmp_path)


def test_addresses_are_not_fetched_and_nothing_is_no_input() -> None:
    assert "addresses are not fetched" in refused("https://example.com/web.yaml")
    assert "no manifests given" in refused()


def test_what_helm_renders_is_placed_in_its_template() -> None:
    """Helm says above each object where it is from; who reads a report must find the template, not a line of a pipe."""
    rendered = f"---\n# Source: shop/templates/pod.yaml\n{POD % 'a'}---\n{POD % 'b'}---\n{DEPLOYMENT % 2}"
    a, b, web = loaded(rendered, "stdin").objects
    assert (a.source.place(), a.source.template) == ("stdin:3 (shop/templates/pod.yaml)", "shop/templates/pod.yaml")
    assert a.source.place("spec.containers[0].image") == "stdin:9 (shop/templates/pod.yaml)"
    assert [one.source.place() for one in (b, web)] == ["stdin:11", "stdin:20"]


def test_what_people_read_of_a_priority_and_where_the_data_of_a_volume_are_is_no_note() -> None:
    priority = "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: p}\nvalue: 1\ndescription: d\n"
    volume = (
        "---\napiVersion: v1\nkind: PersistentVolume\nmetadata: {name: v}\n"
        "spec: {capacity: {storage: 1Gi}, accessModes: [ReadWriteOnce], iscsi: {targetPortal: a, iqn: b, lun: 0}}\n"
    )
    assert loaded(priority + volume).unmodelled == ()
    assert loaded(priority.replace("description: d", "preemptionPolicy: Never")).unmodelled == ()
