"""A DataCenter has a PersistentVolumeClaim. After instaclustr/cassandra-operator#402: an operator travels in time.

Deleted and made again under its name, a DataCenter has a new claim, of the old name. An operator that restarts and
lists from an API server that stood still sees the old one being deleted, and deletes the claim of that name: the live
one's.
"""

from contextlib import suppress

from kubeproof import Conflict, NotFound, controller, create, delete, eventually, read, step, update

DATACENTER = "example.com/v1/DataCenter"
HOLD = "example.com/data"
OF = "example.com/of"


def claim_of(datacenter):
    """Return the claim of a data centre; a label says whose it is, by uid."""
    meta = datacenter["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": f"data-{meta['name']}", "annotations": {OF: meta["uid"]}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": datacenter["spec"]["storage"]}},
        },
    }


def held(datacenter, finalizers):
    """Return the data centre with these finalizers."""
    return {**datacenter, "metadata": {**datacenter["metadata"], "finalizers": finalizers}}


def set_up(datacenter, view):
    """Hold the data centre, and then create its claim."""
    finalizers = datacenter["metadata"].get("finalizers", [])
    if HOLD not in finalizers:
        yield update(held(datacenter, [*finalizers, HOLD]))
    elif view.get("PersistentVolumeClaim", claim_of(datacenter)["metadata"]["name"]) is None:
        yield create(claim_of(datacenter))


@controller(kind=DATACENTER, owns=["PersistentVolumeClaim"], name="cassandra-operator", places=1)
def reconcile(datacenter, view):
    """Create the claim; when the data centre is deleted, delete it by its name."""
    if "deletionTimestamp" not in datacenter["metadata"]:
        yield from set_up(datacenter, view)
    elif HOLD in datacenter["metadata"].get("finalizers", []):
        with suppress(NotFound):
            yield delete(claim_of(datacenter))
        yield update(held(datacenter, []))


@controller(kind=DATACENTER, owns=["PersistentVolumeClaim"], name="cassandra-operator", places=1)
def repaired(datacenter, view):
    """The same, but that it first asks the API server whether its object is still that one, and tells claims by uid."""
    meta = datacenter["metadata"]
    now = yield read(DATACENTER, meta["name"])
    if now["metadata"]["uid"] != meta["uid"]:
        return
    with suppress(NotFound, Conflict):
        claim = yield read("PersistentVolumeClaim", claim_of(datacenter)["metadata"]["name"])
        mine = claim["metadata"]["annotations"][OF] == meta["uid"]
        if mine is ("deletionTimestamp" in meta):
            yield delete(claim, uid=claim["metadata"]["uid"])
    if "deletionTimestamp" not in meta:
        yield from set_up(datacenter, view)
    elif HOLD in meta.get("finalizers", []):
        yield update(held(datacenter, []))


@step
def live_data_stays(before, after):
    """No claim of a data centre that lives is deleted."""
    left = {claim["metadata"]["uid"] for claim in after.list("PersistentVolumeClaim")}
    live = {
        datacenter["metadata"]["uid"]
        for datacenter in before.list(DATACENTER)
        if "deletionTimestamp" not in datacenter["metadata"]
    }
    for claim in before.list("PersistentVolumeClaim"):
        meta = claim["metadata"]
        if meta["uid"] not in left and meta["annotations"][OF] in live:
            yield f"{meta['name']} is deleted, and {meta['annotations'][OF]} lives"


@eventually
def it_has_its_claim(view):
    """In the end each data centre has the claim that it made."""
    whose = [claim["metadata"]["annotations"][OF] for claim in view.list("PersistentVolumeClaim")]
    return whose == [datacenter["metadata"]["uid"] for datacenter in view.list(DATACENTER)]
