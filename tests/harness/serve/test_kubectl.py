"""The real kubectl, unpatched, against `kubeproof serve`: what it prints and how it ends, command by command.

A story is a list of commands with what each must print (a regular expression for the whole of both streams) and the
exit code. Columns, words and messages are those of a real cluster (requests and sessions recorded with kubectl v1.32).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from attrs import evolve
from immutabledict import immutabledict

from oracles.stories import ADDRESS, AGE, NODES, NONE, own, play, rows

pytestmark = pytest.mark.xdist_group("kubectl")

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec: {{containers: [{{name: nginx, image: "nginx:{tag}", ports: [{{containerPort: 80}}]}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: web}}
spec: {{selector: {{app: web}}, ports: [{{port: 80, targetPort: 80}}]}}
"""


def test_a_pod_is_run_shown_described_and_deleted(kubectl: Any) -> None:
    play(
        kubectl,
        [
            ("run nginx --image=nginx", "pod/nginx created"),
            ("wait --for=condition=Ready pod/nginx --timeout=20s", "pod/nginx condition met"),
            ("get pods", rows("NAME READY STATUS RESTARTS AGE", f"nginx 1/1 Running 0 {AGE}")),
            (
                "get pods -o wide",
                rows(
                    "NAME READY STATUS RESTARTS AGE IP NODE NOMINATED NODE READINESS GATES",
                    f"nginx 1/1 Running 0 {AGE} {ADDRESS} node-[123] {NONE} {NONE}",
                ),
            ),
            (
                "get pods -A -l run=nginx",
                rows("NAMESPACE NAME READY STATUS RESTARTS AGE", f"default nginx 1/1 .*{AGE}"),
            ),
            ("get pods -l run!=nginx", "No resources found in default namespace."),
            ("get pod nginx -o jsonpath={.status.phase}", "Running"),
            ("get pods --field-selector=status.phase=Pending", "No resources found in default namespace."),
            ("describe pod nginx", r"Name:\s+nginx\n.*Node:\s+node-\d/192.168.*Status:\s+Running\n.*Events:\s+<none>"),
            ("label pod nginx tier=fe", "pod/nginx labeled"),
            ("annotate pod nginx note=x", "pod/nginx annotated"),
            ("get pods -L tier", rows("NAME READY STATUS RESTARTS AGE TIER", f"nginx 1/1 Running 0 {AGE} fe")),
            ("logs nginx", r"Error from server \(NotImplemented\): not supported: no containers run here.*", 1),
            ("exec nginx -- ls", r"Error from server \(NotImplemented\): not supported.*", 1),
            ("run nginx --image=nginx", r'Error from server \(AlreadyExists\): pods "nginx" already exists', 1),
            ("get pod nope", r'Error from server \(NotFound\): pods "nope" not found', 1),
            ("get foos", 'error: the server doesn\'t have a resource type "foos"', 1),
            ("delete pod nginx", 'pod "nginx" deleted.*'),
            ("get pods", "No resources found in default namespace."),
            ("run x --image=nginx", "pod/x created"),
            ("delete pod x --force --grace-period=0", '.*pod "x" force deleted.*'),
        ],
    )


def test_a_deployment_is_applied_rolled_out_and_rolled_back(kubectl: Any) -> None:
    first, second = kubectl.home / "first.yaml", kubectl.home / "second.yaml"
    first.write_text(WEB.format(replicas=2, tag="1.25"))
    second.write_text(WEB.format(replicas=3, tag="1.26"))
    rolled_out = '.*deployment "web" successfully rolled out'
    play(
        kubectl,
        [
            (f"apply -f {first}", "deployment.apps/web created\nservice/web created"),
            ("rollout status deployment/web --timeout=30s", rolled_out),
            (f"apply -f {first}", "deployment.apps/web unchanged\nservice/web unchanged"),
            (f"diff -f {second}", r".*\n-  replicas: 2\n\+  replicas: 3\n.*\n-.*nginx:1.25\n\+.*nginx:1.26\n.*", 1),
            (f"apply -f {second} --dry-run=server", r"deployment.apps/web configured \(server dry run\)\n.*"),
            (f"apply -f {second}", "deployment.apps/web configured\nservice/web unchanged"),
            ("rollout status deployment/web --timeout=30s", rolled_out),
            ("rollout history deployment/web", r"deployment.apps/web \nREVISION  CHANGE-CAUSE\n1 .*\n2 .*"),
            ("get deployments", rows("NAME READY UP-TO-DATE AVAILABLE AGE", f"web 3/3 3 3 {AGE}")),
            ("rollout undo deployment/web", "deployment.apps/web rolled back"),
            ("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}", "nginx:1.25"),
            ("scale deployment web --replicas=4", "deployment.apps/web scaled"),
            ("set image deployment/web nginx=nginx:1.27", "deployment.apps/web image updated"),
            ("rollout pause deployment/web", "deployment.apps/web paused"),
            ("rollout resume deployment/web", "deployment.apps/web resumed"),
            ("rollout restart deployment/web", "deployment.apps/web restarted"),
            ("rollout status deployment/web --timeout=30s", rolled_out),
            (
                'patch deployment web --type=merge -p {"spec":{"replicas":2}}'.replace('"', '\\"'),
                "deployment.apps/web patched",
            ),
            (
                'patch deployment web --type=json -p \'[{"op":"replace","path":"/spec/replicas","value":3}]\'',
                "deployment.apps/web patched",
            ),
            (
                'patch deployment web -p \'{"spec":{"minReadySeconds":0}}\'',
                r"deployment.apps/web patched \(no change\)",
            ),
            ("expose deployment web --name=web2 --port=81 --target-port=80", "service/web2 exposed"),
            (
                "get svc web2",
                rows(
                    "NAME TYPE CLUSTER-IP EXTERNAL-IP PORT\\(S\\) AGE", f"web2 ClusterIP {ADDRESS} {NONE} 81/TCP {AGE}"
                ),
            ),
            (
                "describe deployment web",
                r".*Replicas:\s+3 desired .* 3 total .*Available\s+True\s+MinimumReplicasAvailable.*",
            ),
            ("describe svc web", rf".*Endpoints:\s+{ADDRESS}:80,.*"),
            (f"delete -f {second}", 'deployment.apps "web" deleted.*\nservice "web" deleted.*'),
            ("wait --for=delete pod -l app=web --timeout=20s", ".*"),
            ("delete svc web2", 'service "web2" deleted.*'),
        ],
    )


def test_an_apply_of_the_server_minds_what_others_own(kubectl: Any) -> None:
    place = own(kubectl, "owned")
    first, second = kubectl.home / "ours.yaml", kubectl.home / "theirs.yaml"
    first.write_text(WEB.format(replicas=1, tag="1"))
    second.write_text(WEB.format(replicas=2, tag="2"))
    play(
        kubectl,
        [
            (
                f"apply --server-side --field-manager=ci -f {first}",
                "deployment.apps/web serverside-applied\nservice/web .*",
            ),
            (
                f"apply --server-side -f {second}",
                r'.*Apply failed with 2 conflicts: conflicts with "ci".*:\n- .spec.replicas\n- .spec.template.*\n.*',
                1,
            ),
            (
                f"apply --server-side --force-conflicts -f {second}",
                ".*web serverside-applied\n.*web serverside-applied",
            ),
            ("get deployment web -o jsonpath={.spec.replicas}", "2"),
            (f"apply --server-side --field-manager=ci -f {first}", '.*conflicts with "kubectl".*', 1),
        ],
        place,
    )


def test_nodes_are_cordoned_tainted_and_drained(kubectl: Any) -> None:
    place = own(kubectl, "drained")
    play(
        kubectl,
        [
            ("create deployment d --image=nginx --replicas=3", "deployment.apps/d created"),
            ("wait --for=condition=Available deployment/d --timeout=20s", "deployment.apps/d condition met"),
            ("create pdb d --selector=app=d --min-available=1", "poddisruptionbudget.policy/d created"),
            ("cordon node-1", "node/node-1 cordoned"),
            (
                "get node node-1",
                rows(NODES, f"node-1 Ready,SchedulingDisabled {NONE} {AGE} v1.32.13"),
            ),
            ("uncordon node-1", "node/node-1 uncordoned"),
            ("taint nodes node-2 k=v:NoSchedule", "node/node-2 tainted"),
            ("describe node node-2", r"Name:\s+node-2\n.*Taints:\s+k=v:NoSchedule\n.*"),
            ("taint nodes node-2 k-", "node/node-2 untainted"),
            ("drain node-3 --ignore-daemonsets --force --timeout=40s", ".*node/node-3 drained"),
            ("get pods --field-selector=spec.nodeName=node-3", "No resources found in drained namespace."),
            ("uncordon node-3", "node/node-3 uncordoned"),
        ],
        place,
    )


def test_objects_of_every_kind_are_made_shown_and_deleted(kubectl: Any) -> None:
    place = own(kubectl, "kinds")
    play(
        kubectl,
        [
            ("create configmap cm --from-literal=a=b", "configmap/cm created"),
            ("get cm cm -o jsonpath={.data}", '{"a":"b"}'),
            ("create secret generic s --from-literal=p=q", "secret/s created"),
            ("get secret s", rows("NAME TYPE DATA AGE", f"s Opaque 1 {AGE}")),
            ("get secret s -o jsonpath={.data.p}", "cQ=="),
            ("create job j --image=busybox -- echo hi", "job.batch/j created"),
            ("wait --for=condition=complete job/j --timeout=20s", "job.batch/j condition met"),
            ("get jobs", rows("NAME STATUS COMPLETIONS DURATION AGE", f"j Complete 1/1 {AGE} {AGE}")),
            ("get pods", rows("NAME READY STATUS RESTARTS AGE", f"j-[a-z0-9]{{5}} 0/1 Completed 0 {AGE}")),
            ("create cronjob c --image=busybox --schedule='*/1 * * * *'", "cronjob.batch/c created"),
            ("create ingress i --rule=foo.com/=svc1:8080", "ingress.networking.k8s.io/i created"),
            ("get ingress", rows("NAME CLASS HOSTS ADDRESS PORTS AGE", f"i {NONE} foo.com 80 {AGE}")),
            ("create deployment d --image=nginx", "deployment.apps/d created"),
            (
                "autoscale deployment d --min=1 --max=3 --cpu-percent=50",
                ".*horizontalpodautoscaler.autoscaling/d autoscaled.*",
            ),
            ("create role r --verb=get --resource=pods", "role.rbac.authorization.k8s.io/r created"),
            ("create rolebinding rb --role=r --user=jane", "rolebinding.rbac.authorization.k8s.io/rb created"),
            ("create sa bob", "serviceaccount/bob created"),
            ("create quota q --hard=pods=3", "resourcequota/q created"),
            ("auth can-i get pods --as=jane", "yes"),
            ("auth can-i delete pods --as=jane", "no", 1),
            (
                "get pods --as=jane",
                r"Error from server \(Forbidden\): pods is forbidden: User \"jane\" cannot list .*",
                1,
            ),
            ("auth whoami", rows("ATTRIBUTE VALUE", "Username kubernetes-admin", ".*system:masters.*")),
            (
                "get all",
                r"NAME\s+READY.*pod/d-.*deployment.apps/d.*replicaset.apps/d-.*autoscaling/d.*cronjob.batch/c.*job.batch/j.*",
            ),
            ("delete deploy,hpa,job,cm --all", ".*"),
            ("get cm", "No resources found in kinds namespace."),
            ("delete ns kinds", 'namespace "kinds" deleted.*'),
            ("get ns kinds", r"Error from server \(NotFound\): namespaces \"kinds\" not found", 1),
        ],
        place,
    )


DAEMONS = """\
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: agent}
spec:
  selector: {matchLabels: {app: agent}}
  template:
    metadata: {labels: {app: agent}}
    spec: {containers: [{name: agent, image: "agent:1"}]}
"""


def test_a_daemon_set_is_on_every_node_rolls_and_stays_in_a_drain(kubectl: Any) -> None:
    place = own(kubectl, "daemons")
    said = kubectl(f"-n {place} apply -f -", stdin=DAEMONS)
    assert said.out.strip() == "daemonset.apps/agent created", said.err
    header = "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE"
    play(
        kubectl,
        [
            ("rollout status daemonset/agent --timeout=20s", '.*daemon set "agent" successfully rolled out'),
            ("get daemonsets", rows(header, f"agent 3 3 3 3 3 {NONE} {AGE}")),
            ("set image daemonset/agent agent=agent:2", "daemonset.apps/agent image updated"),
            ("rollout status daemonset/agent --timeout=30s", '.*daemon set "agent" successfully rolled out'),
            ("get pods -o jsonpath={.items[*].spec.containers[*].image}", "agent:2 agent:2 agent:2"),
            ("rollout undo daemonset/agent", "daemonset.apps/agent rolled back"),
            ("rollout status daemonset/agent --timeout=30s", '.*daemon set "agent" successfully rolled out'),
            ("get pods -o jsonpath={.items[*].spec.containers[*].image}", "agent:1 agent:1 agent:1"),
            ("drain node-2 --timeout=20s", ".*cannot delete DaemonSet-managed Pods.*", 1),
            (
                "drain node-2 --ignore-daemonsets --force --timeout=40s",
                ".*node/node-2 drained.*ignoring DaemonSet-managed Pods: daemons/agent-.*",
            ),
            ("get daemonsets", rows(header, f"agent 3 3 3 3 3 {NONE} {AGE}")),
            ("uncordon node-2", "node/node-2 uncordoned"),
            ("delete daemonset agent", 'daemonset.apps "agent" deleted.*'),
            ("wait --for=delete pod -l app=agent --timeout=40s", ".*"),
            ("get pods", "No resources found in daemons namespace."),
        ],
        place,
    )


def test_a_job_works_in_parallel_and_takes_its_pods_with_it(kubectl: Any) -> None:
    place = own(kubectl, "jobs")
    work = """\
apiVersion: batch/v1
kind: Job
metadata: {name: work}
spec:
  completions: 4
  parallelism: 2
  completionMode: Indexed
  template: {spec: {restartPolicy: Never, containers: [{name: c, image: busybox}]}}
"""
    assert kubectl(f"-n {place} apply -f -", stdin=work).out.strip() == "job.batch/work created"
    play(
        kubectl,
        [
            ("wait --for=condition=complete job/work --timeout=30s", "job.batch/work condition met"),
            ("get job work -o jsonpath={.status.succeeded},{.status.completedIndexes}", "4,0-3"),
            ("get pods --field-selector=status.phase=Succeeded -o name", r"(pod/work-[0-3]-\S+\s*){4}"),
            ("describe job work", r".*Completions:\s+4\n.*Pods Statuses:\s+0 Active.* / 4 Succeeded / 0 Failed.*"),
            ("delete job work", 'job.batch "work" deleted.*'),
            ("wait --for=delete pod -l job-name=work --timeout=30s", ".*"),
            ("get pods", "No resources found in jobs namespace."),
        ],
        place,
    )


def test_what_the_server_is_and_has_is_told(kubectl: Any) -> None:
    play(
        kubectl,
        [
            ("version", r"Client Version: v1\.\d+\.\d+\nKustomize Version: .*\nServer Version: v1\.32\.13.*"),
            ("api-resources", r"NAME\s+SHORTNAMES\s+APIVERSION.*deployments\s+deploy\s+apps/v1\s+true\s+Deployment.*"),
            ("api-versions", ".*\napps/v1\n.*\nv1"),
            ("explain pod.spec.containers.image", r"KIND:\s+Pod\nVERSION:\s+v1\n\nFIELD: image <string>.*"),
            ("cluster-info", ".*Kubernetes control plane.* is running at .*http://127.0.0.1:.*"),
            ("get --raw /healthz", "ok"),
            ("get events", "No resources found in default namespace."),
            ("top pods", "error: Metrics API not available", 1),
        ],
    )


def test_deletions_cascade_as_they_are_told(kubectl: Any) -> None:
    place = own(kubectl, "cascade")
    play(
        kubectl,
        [
            ("create deployment d --image=nginx --replicas=2", "deployment.apps/d created"),
            ("wait --for=condition=Available deployment/d --timeout=20s", ".*met"),
            ("delete deployment d --cascade=orphan", 'deployment.apps "d" deleted.*'),
            ("get rs -l app=d", rf"NAME\s+DESIRED.*\nd-\w+\s+2\s+2\s+2\s+{AGE}"),
            ("delete rs --all --cascade=foreground", 'replicaset.apps "d-.*" deleted.*'),
            ("get pods", "No resources found in cascade namespace."),
        ],
        place,
    )


def test_a_watch_shows_a_pod_from_its_birth_to_its_end(kubectl: Any) -> None:
    place = own(kubectl, "watched")
    command = [str(kubectl.binary), "-s", kubectl.url, "-n", place, "get", "pods", "-w", "--request-timeout=6s"]
    environment = {"HOME": str(kubectl.home), "PATH": "/usr/bin:/bin"}
    play(
        kubectl,
        [("run first --image=nginx", "pod/first created"), ("wait --for=condition=Ready pod/first", ".*met")],
        place,
    )
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert watching.stdout is not None
    before = [watching.stdout.readline() for _ in range(2)]
    play(kubectl, [("run w --image=nginx", "pod/w created"), ("wait --for=condition=Ready pod/w", ".*met")], place)
    play(kubectl, [("delete pod w", 'pod "w" deleted.*')], place)
    shown, _ = watching.communicate(timeout=30)
    stages = [line.split()[2] for line in shown.splitlines()]
    assert [line.split()[0] for line in before] == ["NAME", "first"]
    assert list(dict.fromkeys(stages)) == ["Pending", "Running", "Terminating", "Completed"]
    assert "NAME" not in shown


def test_what_is_printed_as_yaml_and_json_can_be_read_and_created_again(kubectl: Any) -> None:
    place = own(kubectl, "printed")
    play(kubectl, [("create deployment d --image=nginx", "deployment.apps/d created")], place)
    text = kubectl(f"-n {place} get deployment d -o yaml").out
    assert yaml.safe_load(text)["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": "25%", "maxUnavailable": "25%"}
    listed = json.loads(kubectl(f"-n {place} get deployments,pods -o json").out)
    assert {one["kind"] for one in listed["items"]} == {"Deployment", "Pod"}
    copied = Path(kubectl.home / "copied.yaml")
    copied.write_text(text.replace("name: d\n", "name: e\n").replace("app: d", "app: e"))
    play(kubectl, [(f"create -f {copied}", "deployment.apps/e created"), (f"replace -f {copied}", ".*", 1)], place)


def test_a_wrong_manifest_is_refused_with_field_and_reason(kubectl: Any) -> None:
    wrong = kubectl.home / "wrong.yaml"
    wrong.write_text(WEB.format(replicas=1, tag="1").replace("replicas: 1", "replica: 1"))
    negative = kubectl.home / "negative.yaml"
    negative.write_text(WEB.format(replicas=-1, tag="1"))
    play(
        kubectl,
        [
            (f"apply -f {wrong}", '.*strict decoding error: unknown field "spec.replica".*', 1),
            (f"create -f {negative}", r".*spec.replicas: Invalid value: -1: must be greater than or equal to 0.*", 1),
        ],
    )


def test_objects_are_replaced_edited_set_and_asked_about(kubectl: Any) -> None:
    place = own(kubectl, "changed")
    manifest = kubectl.home / "replaced.yaml"
    manifest.write_text(WEB.format(replicas=2, tag="1"))
    editor = evolve(kubectl, environment=immutabledict({"KUBE_EDITOR": "sed -i s/nginx:1/nginx:3/"}))
    first = [
        (f"create -f {manifest}", "deployment.apps/web created\nservice/web created"),
        ("rollout status deployment/web --timeout=30s", ".*successfully rolled out"),
        (
            "get svc,endpoints,endpointslices",
            (
                r"NAME\s+TYPE.*service/web.*\n\nNAME\s+ENDPOINTS.*endpoints/web\s+10[^\n]*\n"
                r"\nNAME\s+ADDRESSTYPE.*/web-.*IPv4\s+80.*"
            ),
        ),
        (f"replace --force -f {manifest}", 'deployment.apps "web" deleted.*web replaced'),
        (
            'patch deployment web -p \'{"spec":{"template":{"spec":{"terminationGracePeriodSeconds":5}}}}\'',
            "deployment.apps/web patched",
        ),
    ]
    play(kubectl, first, place)
    play(editor, [("edit deployment web", "deployment.apps/web edited")], place)
    play(
        kubectl,
        [
            ("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}", "nginx:3"),
            ("set env deployment/web A=b", "deployment.apps/web env updated"),
            ("set resources deployment web --limits=cpu=100m", "deployment.apps/web resource requirements updated"),
            ("set serviceaccount deployment web bob", "deployment.apps/web serviceaccount updated"),
            ("rollout status deployment/web --timeout=30s", ".*successfully rolled out"),
            ("rollout history deployment/web --revision=2", r"deployment.apps/web with revision #2\n.*nginx:\n.*"),
            ("wait --for=jsonpath={.status.readyReplicas}=2 deployment/web --timeout=20s", ".*condition met"),
            ("label deployment web a=b", "deployment.apps/web labeled"),
            ("label deployment web a=c", ".*'a' already has a value .b., and --overwrite is false.*", 1),
            ("label deployment web a=c --overwrite", "deployment.apps/web labeled"),
            ("get pods --show-labels", r"NAME\s+READY.*LABELS.*app=web,pod-template-hash=\w+.*"),
            ("get pods -o custom-columns=N:.spec.containers[*].image", r"N\s*\nnginx:3\s*\nnginx:3"),
            ("create deployment y --image=nginx --dry-run=server", r"deployment.apps/y created \(server dry run\)"),
            ("create deployment y --image=nginx --dry-run=client -o name", "deployment.apps/y"),
            ("create service nodeport np --tcp=80:80", "service/np created"),
            ("create service externalname en --external-name=e.com", "service/en created"),
            (
                "get svc en",
                rows("NAME TYPE CLUSTER-IP EXTERNAL-IP PORT\\(S\\) AGE", f"en ExternalName {NONE} e.com {NONE} {AGE}"),
            ),
            ("create clusterrole changed --verb=get --resource=pods", ".*/changed created"),
            ("create clusterrolebinding changed --clusterrole=changed --user=u", ".*/changed created"),
            ("auth can-i get pods --as=u", "yes"),
            ("auth can-i --list", r"Resources\s+Non-Resource URLs.*\*\.\*\s+\[\]\s+\[\]\s+\[\*\].*"),
            ("create priorityclass changed --value=5", "priorityclass.scheduling.k8s.io/changed created"),
            ("events --for deployment/web", "No events found in changed namespace."),
            ("run x --image=nginx", "pod/x created"),
            ("wait --for=condition=Ready pod/x --timeout=20s", ".*met"),
            ("top nodes", "error: Metrics API not available", 1),
            ("create token default", ".*not supported: no containers run here, Pods are simulated", 1),
            ("attach x", ".*not supported.*|.*unable to upgrade connection.*", 1),
            ("port-forward pod/x 1:1", ".*not supported.*|.*error upgrading connection.*", 1),
            ("delete pod x --wait=false", 'pod "x" deleted.*'),
            ("wait --for=delete pod/x --timeout=20s", ".*"),
            ("delete deploy,svc,hpa,job --all", r'deployment.apps "web" deleted.*service "web" deleted.*'),
        ],
        place,
    )
    play(
        kubectl,
        [
            ("delete service kubernetes", 'service "kubernetes" deleted.*'),
            ("wait --for=jsonpath={.spec.clusterIP}=10.96.0.1 service/kubernetes --timeout=20s", ".*condition met"),
        ],
    )
