"""A Bucket has a ConfigMap that says where it is, and a finalizer that holds it until the ConfigMap is gone.

`reconcile` forgets the finalizer where the ConfigMap is gone already: NotFound ends its sync, each time anew.
"""

from contextlib import suppress

from kubeproof import NotFound, controller, create, delete, leads_to, update

BUCKET = "example.com/v1/Bucket"
HOLD = "example.com/bucket"


def config_of(bucket):
    """Return the ConfigMap of a bucket."""
    meta = {"name": f"{bucket['metadata']['name']}-config"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"region": bucket["spec"]["region"]}}


def held(bucket, finalizers):
    """Return the bucket with these finalizers."""
    return {**bucket, "metadata": {**bucket["metadata"], "finalizers": finalizers}}


def set_up(bucket, view):
    """Hold the bucket, and then create its ConfigMap."""
    finalizers = bucket["metadata"].get("finalizers", [])
    if HOLD not in finalizers:
        yield update(held(bucket, [*finalizers, HOLD]))
    elif view.get("ConfigMap", config_of(bucket)["metadata"]["name"]) is None:
        yield create(config_of(bucket))


@controller(kind=BUCKET, owns=["ConfigMap"])
def reconcile(bucket, view):
    """Create the ConfigMap; when the bucket is deleted, delete it and let the bucket go."""
    if "deletionTimestamp" not in bucket["metadata"]:
        yield from set_up(bucket, view)
    elif HOLD in bucket["metadata"].get("finalizers", []):
        yield delete(config_of(bucket))
        yield update(held(bucket, []))


@controller(kind=BUCKET, owns=["ConfigMap"])
def repaired(bucket, view):
    """The same, but that what is gone already is no error."""
    if "deletionTimestamp" not in bucket["metadata"]:
        yield from set_up(bucket, view)
    elif HOLD in bucket["metadata"].get("finalizers", []):
        with suppress(NotFound):
            yield delete(config_of(bucket))
        yield update(held(bucket, []))


def is_deleted(view):
    """Tell whether a bucket is being deleted."""
    return any("deletionTimestamp" in bucket["metadata"] for bucket in view.list(BUCKET))


def is_gone(view):
    """A bucket that is deleted goes, and its ConfigMap with it."""
    return not view.list(BUCKET) and not view.list("ConfigMap")


deleted_buckets_go = leads_to(is_deleted, is_gone, name="deleted-buckets-go")
