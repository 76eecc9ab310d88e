"""A DataCenter has a claim, which goes with it: found by name, as an operator did, or told by uid."""

from contextlib import suppress

from kubeproof import Conflict, NotFound, controller, create, delete, read, step, update

DATACENTER, CLAIM = "example.com/v1/DataCenter", "PersistentVolumeClaim"
HOLD, OF = "example.com/data", "example.com/of"


def claim_of(datacenter):
    """Return the claim of a data centre, which says by uid whose it is."""
    meta = datacenter["metadata"]
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    named = {"name": f"data-{meta['name']}", "annotations": {OF: meta["uid"]}}
    return {"apiVersion": "v1", "kind": CLAIM, "metadata": named, "spec": spec}


def held(datacenter, *finalizers):
    """Return the data centre with these finalizers."""
    return {**datacenter, "metadata": {**datacenter["metadata"], "finalizers": list(finalizers)}}


@controller(kind=DATACENTER, owns=[CLAIM], name="cassandra-operator", places=1)
def reconcile(datacenter, view):
    """Make the claim; delete it by its name once the data centre is deleted."""
    meta = datacenter["metadata"]
    holds = HOLD in meta.get("finalizers", [])
    if "deletionTimestamp" in meta:
        if holds:
            with suppress(NotFound):
                yield delete(claim_of(datacenter))
            yield update(held(datacenter))
    elif not holds:
        yield update(held(datacenter, HOLD))
    elif view.get(CLAIM, f"data-{meta['name']}") is None:
        yield create(claim_of(datacenter))


@controller(kind=DATACENTER, owns=[CLAIM], name="cassandra-operator", places=1)
def repaired(datacenter, view):
    """The same, on a data centre that the API server says is still that one, and on claims that are its own."""
    meta = datacenter["metadata"]
    now = yield read(DATACENTER, meta["name"])
    if now["metadata"]["uid"] != meta["uid"]:
        return
    holds = HOLD in meta.get("finalizers", [])
    if "deletionTimestamp" in meta:
        with suppress(NotFound, Conflict):
            claim = yield read(CLAIM, f"data-{meta['name']}")
            if claim["metadata"]["annotations"][OF] == meta["uid"]:
                yield delete(claim, uid=claim["metadata"]["uid"])
        if holds:
            yield update(held(datacenter))
    elif not holds:
        yield update(held(datacenter, HOLD))
    elif view.get(CLAIM, f"data-{meta['name']}") is None:
        yield create(claim_of(datacenter))


@step
def live_data_stays(before, after):
    """No claim of a data centre that lives is deleted."""
    left = {claim["metadata"]["uid"] for claim in after.list(CLAIM)}
    live = {
        datacenter["metadata"]["uid"]
        for datacenter in before.list(DATACENTER)
        if "deletionTimestamp" not in datacenter["metadata"]
    }
    for claim in before.list(CLAIM):
        if claim["metadata"]["uid"] not in left and claim["metadata"]["annotations"][OF] in live:
            yield f"{claim['metadata']['name']} is deleted, and the data centre that it is of lives"
