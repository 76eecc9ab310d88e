"""A Fleet has as many Pods as it says. After kuberay#704, kuberay#715, k/k#41675: too many, and then any of them goes.

`reconcile` counts the Pods in its cache, which may not show yet what it created: it creates one more. `repaired` gives
them names, so that the API server refuses to create one twice.
"""

from kubeproof import always, controller, create, delete, eventually, owned_by

FLEET = "example.com/v1/Fleet"
SPEC = {"containers": [{"name": "worker", "image": "worker:1"}]}


def pod(meta):
    """Return a Pod of a fleet."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": SPEC}


@controller(kind=FLEET, owns=["Pod"])
def reconcile(fleet, view):
    """Create Pods while there are too few, delete some while there are too many."""
    pods = view.owned("Pod", fleet)
    missing = fleet["spec"]["size"] - len(pods)
    new = owned_by(fleet, pod({"generateName": f"{fleet['metadata']['name']}-"}))
    return [*(create(new) for _ in range(missing)), *(delete(surplus) for surplus in pods[fleet["spec"]["size"] :])]


@controller(kind=FLEET, owns=["Pod"])
def repaired(fleet, view):
    """Create each Pod by its name; AlreadyExists says that there is one, which the cache will show."""
    there = {owned["metadata"]["name"] for owned in view.owned("Pod", fleet)}
    names = [f"{fleet['metadata']['name']}-{number}" for number in range(fleet["spec"]["size"])]
    return [create(owned_by(fleet, pod({"name": name}))) for name in names if name not in there]


@always
def no_pod_too_many(view):
    """A fleet never has more Pods than it asks for."""
    for fleet in view.list(FLEET):
        found = [owned["metadata"]["name"] for owned in view.owned("Pod", fleet)]
        if len(found) > fleet["spec"]["size"]:
            yield f"{fleet['metadata']['name']} asks for {fleet['spec']['size']} and has {', '.join(found)}"


@eventually
def the_fleet_runs(view):
    """In the end a fleet has all its Pods."""
    return all(len(view.owned("Pod", fleet)) == fleet["spec"]["size"] for fleet in view.list(FLEET))
