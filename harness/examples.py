"""Examples for `--help`, command by command; a test parses every one."""

CHECK = """
\b
Examples:
  kubeproof check deploy/ --nodes 3
  kubeproof check deploy/ --nodes 3 --script 'set image deployment/web app=nginx:1.29; drain node-1' --fault crash=1
  helm template ./chart | kubeproof check - -n prod --nodes 3
  kubectl get nodes,pods,deployments,replicasets,services,endpointslices,pdb -A -o json > dump.json
  kubeproof check --from-cluster dump.json --script 'drain node-1 --ignore-daemonsets'
  kubeproof check db.yaml --nodes 1 --controller operator.databases:reconcile --property operator.databases:one_each
  kubeproof check deploy/ --sarif kubeproof.sarif --junit kubeproof.xml --baseline known.json
  kubeproof check deploy/ --checkpoint search.ckpt    Ctrl-C, and then the same with --resume

What happens and what may fail can stand in a scenario.yaml beside the manifests (docs/scenario-format.md), what holds
for every check in a kubeproof.toml (docs/ci.md).
"""

DIFF = """
\b
Examples:
  kubeproof diff deploy/ --nodes 3 --release 1.32 --release 1.36 --why
  kubeproof diff deploy/ --nodes 3 --switch endpoints=before-1.21
  kubeproof diff old/ new/ --nodes 3
"""

REACH = """
\b
Examples:
  kubeproof reach deploy/ --nodes 3
  kubeproof reach deploy/ --nodes 3 --service prod/service/web --from deployment/front
  kubeproof reach deploy/ --nodes 3 --service web --during 'set image deployment/web nginx:1.29'
"""

PLACE = """
\b
Examples:
  kubeproof place deploy/ --nodes 3
  kubeproof place deploy/ --nodes nodes.yaml --survive 1
  kubeproof place deploy/ --minimise nodes --pool small=cpu:2,memory:8Gi
  kubeproof place --from-cluster dump.json
"""

REPLAY = """
\b
Examples:
  kubeproof replay .kubeproof/traces/web-reachability.json
  kubeproof replay cluster.db
  kubeproof replay .kubeproof/traces/web-reachability.json --against http://127.0.0.1:8001
"""

VALIDATE = """
\b
Examples:
  kubectl get deployments -w -o json --output-watch-events > deployments.json    Ctrl-C when all is done
  kubeproof validate deployments.json replicasets.json pods.json
  kubeproof validate audit.log --release 1.34
"""

SHOW = """
\b
Examples:
  kubeproof show .kubeproof/traces/web-reachability.json
  kubeproof show .kubeproof/traces/web-reachability.json --html run.html
  kubeproof show .kubeproof/traces/web-reachability.json --itf run.itf.json
"""

RUN = """
\b
Examples:
  kubeproof run nginx-pod --image=nginx:latest
  kubeproof run nginx-pod --image=nginx:latest --html tour.html
"""

SERVE = """
\b
Examples:
  kubeproof serve --kubeconfig kubeconfig --data cluster.db
  KUBECONFIG=kubeconfig kubectl run nginx --image=nginx:latest
"""

COMPLETION = """
\b
Examples:
  source <(kubeproof completion bash)        now; in ~/.bashrc, in every shell
  source <(kubeproof completion zsh)
  kubeproof completion fish > ~/.config/fish/completions/kubeproof.fish
"""

MAN = """
\b
Examples:
  kubeproof man > ~/.local/share/man/man1/kubeproof.1
"""

ALL = """
\b
Examples:
  kubeproof check examples/web
  kubeproof check -f web.yaml --nodes 3 --script 'set image deployment/web app=nginx:1.29' --fault crash=1
  helm template ./chart | kubeproof check - -n prod --nodes 3
  kubeproof diff examples/web --release 1.32 --release 1.36
  kubeproof reach examples/web --service web
  kubeproof show .kubeproof/traces/web-reachability.json --html run.html
  kubeproof run nginx-pod --image=nginx:latest --html tour.html
  kubeproof zoo run placement

\b
Exit codes: 0 everything holds, 1 something is violated, 2 bad input, 3 unknown (a limit was hit, or Ctrl-C),
70 a defect of kubeproof (the message says where the report is).
"""
