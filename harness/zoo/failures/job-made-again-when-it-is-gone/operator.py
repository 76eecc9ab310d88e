"""An Application has a Job, which is kept in being as it stands in git."""

from kubeproof import controller, create

APPLICATION = "example.com/v1/Application"


def job(**more):
    """Return the Job as it stands in git."""
    pods = {"spec": {"restartPolicy": "Never", "containers": [{"name": "app", "image": "bootloader:1"}]}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "bootloader"},
        "spec": {"template": pods, **more},
    }


@controller(kind=APPLICATION, owns=["Job"], name="gitops", places=1)
def synced(_application, view):
    """Make what is in git and not there: a Job that goes when it has been over for 5 s."""
    if view.get("Job", "bootloader") is None:
        yield create(job(ttlSecondsAfterFinished=5))


@controller(kind=APPLICATION, owns=["Job"], name="gitops", places=1)
def repaired(_application, view):
    """The same, of a Job that stays."""
    if view.get("Job", "bootloader") is None:
        yield create(job())
