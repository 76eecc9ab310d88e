"""Script steps in words mean what the same steps mean in scenario.yaml, and back."""

from __future__ import annotations

import pytest
from attrs import has
from immutabledict import immutabledict

from kubeproof.harness.input.files.located import from_json
from kubeproof.harness.input.files.manifests import READY
from kubeproof.harness.input.files.reader import Reader
from kubeproof.harness.input.script.commands import COMMANDS, CommandError, parse
from kubeproof.harness.input.script.script import ACTIONS, Surroundings, read_script, spelled, to_json
from kubeproof.impl.api.core import Node, NodeStatus
from kubeproof.impl.api.meta import ObjectMeta
from kubeproof.impl.api.values.duration import DurationError, seconds
from kubeproof.impl.api.values.frozen import strings
from kubeproof.impl.api.values.quantity import parse_quantity
from kubeproof.impl.kubectl import script
from kubeproof.impl.kubectl.script import Step


def steps(*written: dict[str, object]) -> tuple[Step, ...]:
    """Read steps that are expected to be right."""
    reader = Reader()
    found = read_script(reader, from_json(list(written), "options"), Surroundings())
    assert reader.problems == []
    return found


WORDS = [
    ("set-image web nginx:1.29", script.SetImage("Deployment", "web", "nginx:1.29")),
    ("set-image rs/web app=nginx:1.29", script.SetImage("ReplicaSet", "web", "nginx:1.29", "app")),
    ("scale deploy/web 5", script.Scale("Deployment", "web", 5)),
    ("rollout-undo web", script.RolloutUndo("Deployment", "web")),
    ("rollout-restart deployment/web", script.RolloutRestart("Deployment", "web")),
    ("rollout-pause web", script.RolloutPause("Deployment", "web")),
    ("rollout-resume shop/deploy/web", script.RolloutResume("Deployment", "web", "shop")),
    ("delete svc/web", script.DeleteObject("Service", "web")),
    ("delete persistentvolumeclaim/d", script.DeleteObject("PersistentVolumeClaim", "d")),
    ("delete pvc/d", script.DeleteObject("PersistentVolumeClaim", "d")),
    ("delete cronjobs/c", script.DeleteObject("CronJob", "c")),
    ("delete web --cascade=foreground", script.DeleteObject("Deployment", "web", "foreground")),
    ("delete job/work --cascade orphan -n shop", script.DeleteObject("Job", "work", "orphan", "shop")),
    ("delete-pod web-1", script.DeletePod("web-1")),
    ("delete-pod deploy/web on node-2", script.DeletePod("", "Deployment/web", "node-2")),
    ("delete-pod deploy/web --force", script.DeletePod("", "Deployment/web", force=True)),
    ("cordon node-1", script.Cordon("node-1")),
    ("uncordon node-1", script.Uncordon("node-1")),
    ("drain node-1", script.Drain("node-1")),
    ("drain node/node-1", script.Drain("node-1")),
    ("drain nodes/node-1", script.Drain("node-1")),
    ("delete-node node-1", script.DeleteNode("node-1")),
    ("taint node-1 maint=1:NoExecute", script.Taint("node-1", "maint", "1", "NoExecute")),
    ("taint node-1 maint:NoSchedule", script.Taint("node-1", "maint", "", "NoSchedule")),
    ("taint node-1 maint=2:NoExecute --overwrite", script.Taint("node-1", "maint", "2", "NoExecute", overwrite=True)),
    ("label-node node-1 zone=b --overwrite", script.LabelNode("node-1", {"zone": "b"}, overwrite=True)),
    ("untaint node-1 maint-", script.Untaint("node-1", "maint")),
    ("untaint node-1 maint:NoExecute", script.Untaint("node-1", "maint", "NoExecute")),
    ("label-node node-1 zone=a old-", script.LabelNode("node-1", {"zone": "a", "old": None})),
]


KUBECTL = [
    ("kubectl delete pod web-1 --force", script.DeletePod("web-1", force=True)),
    ("kubectl set image deployment/web app=nginx:2", script.SetImage("Deployment", "web", "nginx:2", "app")),
    ("set image deployment web app=nginx:2", script.SetImage("Deployment", "web", "nginx:2", "app")),
    ("kubectl -n shop set image deploy/web *=nginx:2",
     script.SetImage("Deployment", "web", "nginx:2", "*", "shop")),
    ("set-image shop/deployment/web nginx:2", script.SetImage("Deployment", "web", "nginx:2", "", "shop")),
    ("rollout restart deployment/web", script.RolloutRestart("Deployment", "web")),
    ("kubectl rollout undo deployment.apps/web -n shop", script.RolloutUndo("Deployment", "web", "shop")),
    ("rollout-undo shop/deployment/web", script.RolloutUndo("Deployment", "web", "shop")),
    ("scale deployment/web --replicas=3", script.Scale("Deployment", "web", 3)),
    ("kubectl scale --replicas 3 rs/web --namespace=shop", script.Scale("ReplicaSet", "web", 3, "shop")),
    ("delete deployment web", script.DeleteObject("Deployment", "web")),
    ("kubectl delete pod web-1 -nshop", script.DeletePod("web-1", namespace="shop")),
    ("delete pod/web-1", script.DeletePod("web-1")),
    ("delete node node-1", script.DeleteNode("node-1")),
    ("delete node/node-1", script.DeleteNode("node-1")),
    ("delete-pod shop/deployment/web on node-2", script.DeletePod("", "Deployment/web", "node-2", "shop")),
    ("cordon node/node-1", script.Cordon("node-1")),
    ("kubectl drain node-1 --ignore-daemonsets --delete-emptydir-data --force --timeout=60s",
     script.Drain("node-1", force=True, ignore_daemonsets=True, delete_emptydir_data=True)),
    ("kubectl drain node-1 --pod-selector 'app in (a,b)'", script.Drain("node-1", pod_selector="app in (a,b)")),
    ("drain node-1 --force=false --ignore-daemonsets=true", script.Drain("node-1", ignore_daemonsets=True)),
    ("kubectl taint nodes node-1 maint=1:NoExecute", script.Taint("node-1", "maint", "1", "NoExecute")),
    ("kubectl taint node node-1 maint=1:NoExecute-", script.Untaint("node-1", "maint", "NoExecute")),
    ("taint node-1 maint-", script.Untaint("node-1", "maint")),
    ("kubectl label nodes node-1 zone=a --overwrite", script.LabelNode("node-1", {"zone": "a"}, overwrite=True)),
]  # fmt: skip


@pytest.mark.parametrize(("words", "step"), KUBECTL, ids=[words for words, _ in KUBECTL])
def test_words_are_read_as_kubectl_has_them(words: str, step: Step) -> None:
    assert steps(*parse(words)) == (step,)
    assert steps(to_json(step)) == (step,)


@pytest.mark.parametrize(("words", "step"), WORDS, ids=[words for words, _ in WORDS])
def test_words_become_the_step_they_say(words: str, step: Step) -> None:
    assert steps(*parse(words)) == (step,)


def test_several_commands_are_separated_by_semicolons() -> None:
    assert steps(*parse("drain node-1; uncordon node-1;")) == (script.Drain("node-1"), script.Uncordon("node-1"))


def test_every_command_is_tried_above() -> None:
    assert {words.split()[0] for words, _ in WORDS} == set(COMMANDS)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("set-imag web nginx", "'set-imag' is no command; did you mean set-image"),
        ("xyzzy", "'xyzzy' is no command; known are cordon, delete"),
        ("crash node-1", "it happens at any time: --fault node-crash=1"),
        ("set-image web", r"expected set-image \[KIND/\]NAME"),
        ("scale web many", "expected scale"),
        ("drain", "expected drain NODE"),
        ("drain a b", "expected drain NODE"),
        ("delete-pod deploy/web at node-2", "expected delete-pod"),
        ("delete-pod deploy/web on", "expected delete-pod"),
        ("delete svc/web --force", "expected delete"),
        ("delete pod/web-1 --cascade=foreground", "expected delete"),
        ("taint node-1 :NoExecute", "expected taint"),
        ("label-node node-1", "expected label-node"),
        ("label-node node-1 zone", "expected label-node"),
        ("set-image 'web", "No closing quotation"),
        ("kubectl", "expected a command"),
        ("kubectl apply -f web.yaml", "write it into a scenario.yaml"),
        ("rollout status deployment/web", "waitBetweenSteps: true in a scenario.yaml"),
        ("rollout pause", r"expected rollout-pause \[KIND/\]NAME"),
        ("rollout undu deployment/web", "'rollout undu' is no command; known are rollout undo, rollout restart"),
        ("set resources deployment/web", "'set resources' is no command; known are set image"),
        ("drain node-1 --grace-period=1", "drain has no flag --grace-period here; known are: --delete-emptydir-data"),
        ("scale web --replicas", "--replicas needs a value"),
        ("scale web 3 --replicas=4", "expected scale"),
        ("rollout-undo a/b/c/d", "expected rollout-undo"),
        ("set image deployment/web a=1 b=2", "expected set-image"),
        ("label pods web a=b", "'label' is no command"),
    ],
)
def test_words_that_cannot_be_read_are_answered_with_what_was_expected(words: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        parse(words)


CPU = immutabledict(cpu=parse_quantity("2"))
NODE = Node(
    ObjectMeta(name="node-9", labels=strings({"zone": "a"})),
    status=NodeStatus(capacity=CPU, allocatable=CPU, conditions=(READY,)),
)
EVERY = [*(step for _, step in WORDS), script.AddNode(NODE), script.Apply(NODE)]


@pytest.mark.parametrize("step", EVERY, ids=lambda step: type(step).__name__ if has(type(step)) else str(step))
def test_a_step_written_as_json_reads_as_the_same_step(step: Step) -> None:
    assert steps(to_json(step)) == (step,)


def test_every_action_is_tried_above() -> None:
    assert {name for step in EVERY for name in to_json(step)} == set(ACTIONS)


def test_the_spelling_of_the_recordings_is_understood_too() -> None:
    taint = {"key": "maint", "value": "1", "effect": "NoExecute"}
    assert steps(
        {"taint": {"node": "n1", "taint": taint}},
        {"untaint": {"node": "n1", "taint": taint}},
        {"deletePod": {"workload": "Deployment/a", "onNode": "n1"}},
        {"drain": {"node": "n1", "timeoutSeconds": 20}},
    ) == (
        script.Taint("n1", "maint", "1", "NoExecute"),
        script.Untaint("n1", "maint", "NoExecute"),
        script.DeletePod("", "Deployment/a", "n1"),
        script.Drain("n1"),
    )


@pytest.mark.parametrize(
    ("written", "field", "message"),
    [
        ({"setimage": {}}, "script[0].setimage", "unknown field 'setimage'"),
        ({"drain": {"node": "a"}, "cordon": {"node": "a"}}, "script[0]", "expected one action"),
        ({}, "script[0]", "expected one action"),
        ("drain", "script[0]", 'expected a map, got "drain"'),
        ({"drain": {}}, "script[0].drain", "drain needs the field 'node'"),
        ({"drain": {"node": 3}}, "script[0].drain.node", "expected a text, got 3"),
        ({"drain": {"nod": "a", "node": "a"}}, "script[0].drain.nod", "unknown field 'nod'"),
        (
            {"scale": {"kind": "Deployment", "name": "a", "replicas": -1}},
            "script[0].scale.replicas",
            "expected at least 0, got -1",
        ),
        ({"taint": {"node": "a", "key": "k", "effect": "No"}}, "script[0].taint", "a taint needs an effect"),
        ({"untaint": {"node": "a"}}, "script[0].untaint", "untaint needs the key of a taint"),
        ({"deletePod": {}}, "script[0].deletePod", "deletePod needs either 'name' or 'workload'"),
        ({"deletePod": {"name": "a", "workload": "b"}}, "script[0].deletePod", "deletePod needs either"),
        ({"apply": {}}, "script[0].apply", "apply needs either 'object' or 'file'"),
        ({"apply": {"file": "gone.yaml"}}, "script[0].apply.file", "there is no file 'gone.yaml'"),
        (
            {"apply": {"object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 3}}}},
            "script[0].apply.object.metadata.name",
            "expected a string, got 3",
        ),
        (
            {"apply": {"object": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"}}}},
            "script[0].apply.object",
            "expected one object of a kind that is modelled",
        ),
        (
            {"apply": {"object": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "Not_A_Name"}}}},
            "script[0].apply.object.metadata.name",
            'Invalid value: "Not_A_Name"',
        ),
        ({"addNode": {}}, "script[0].addNode", "addNode needs the field 'node'"),
        (
            {"addNode": {"node": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}}},
            "script[0].addNode.node",
            "expected a Node, got a Namespace",
        ),
    ],
)
def test_a_step_that_is_wrong_is_blamed_at_its_field(written: object, field: str, message: str) -> None:
    reader = Reader()
    assert read_script(reader, from_json({"script": [written]}, "options").value["script"], Surroundings()) == ()
    assert [(problem.file, problem.field) for problem in reader.problems] == [("options", field)]
    assert reader.problems[0].message.startswith(message)


@pytest.mark.parametrize(("text", "value"), [("5s", 5), ("1m30s", 90), ("2h", 7200), ("90", 90), ("0s", 0)])
def test_durations_are_whole_seconds(text: str, value: int) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "5 s", "-5s", "500ms", "1.5s", "s"])
def test_other_durations_are_refused(text: str) -> None:
    with pytest.raises(DurationError, match="whole seconds"):
        seconds(text)


def test_steps_in_words_stand_beside_others_and_keep_the_place_of_their_words() -> None:
    reader = Reader()
    written = from_json({"script": ["cordon a; kubectl uncordon a", {"drain": {"node": "b"}}]}, "f").value["script"]
    found = spelled(reader, written)
    assert read_script(reader, found, Surroundings()) == (
        script.Cordon("a"),
        script.Uncordon("a"),
        script.Drain("b"),
    )
    assert [step.path for step in found.value] == [
        "script[0] 'cordon a'",
        "script[0] 'kubectl uncordon a'",
        "script[1]",
    ]
    assert reader.problems == []
