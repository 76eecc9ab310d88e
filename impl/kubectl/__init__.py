"""kubectl: what a person's command asks of the API server.

Upstream: staging/src/k8s.io/kubectl/pkg/cmd (v1.32).
`script` holds the commands an environment script is made of, `run` the manifest and the requests of `kubectl run`.
Left out on purpose: reading commands (get, describe, logs), discovery, server-side apply, dry runs, confirmation flags.
"""
