"""What `kubectl apply` has refused for its order: what an object needs is made only by a later document.

Files are applied in the order they are given, those of a folder by name, and the documents of each as they stand there;
a refusal stops nobody, so what is refused is never made. Only what is judged when an object is created counts: the
namespace it goes into and, for a Pod by itself, the service account and the runtime class that it names. A controller
tries again until they are there. (A priority class that comes too late is refused by the API server of this project.)
Upstream: plugin/pkg/admission/{namespace/lifecycle,serviceaccount,runtimeclass} (v1.32).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from ...impl.api.core import Pod
from ...impl.api.kinds import ref_of
from ...impl.api.meta import Ref
from ...impl.api.reading.load import Problem, Source
from ...impl.api.references import references
from ...impl.apiserver.admission.admission import ALWAYS_THERE, missing_of
from ...impl.apiserver.status import not_found
from .files.manifests import Manifests


def too_early(manifests: Manifests) -> Iterator[Problem]:
    """Blame each object that comes before what it cannot be made without."""
    where = dict(_places(manifests))
    for ref, source in where.items():
        namespace = Ref("Namespace", "", ref.namespace)
        made = where.get(namespace) if ref.namespace not in ALWAYS_THERE else None
        if made is not None and made.number > source.number:
            yield _problem(source, "metadata.namespace", not_found(namespace).message, namespace, made)
    for pod in manifests.objects:
        place = where.get(ref_of(pod))
        if isinstance(pod, Pod) and place is not None:
            yield from _lacking(pod, place, where)


def _places(manifests: Manifests) -> Iterator[tuple[Ref, Source]]:
    """Return where each object is written that has a place of its own."""
    modelled = ((ref_of(obj), manifests.sources.get(ref_of(obj))) for obj in manifests.objects)
    return (
        (ref, source)
        for ref, source in chain(modelled, ((other.ref, other.source) for other in manifests.others))
        if source is not None
    )


def _lacking(pod: Pod, source: Source, where: dict[Ref, Source]) -> Iterator[Problem]:
    for reference in references(pod.spec, pod.metadata.namespace):
        made = where.get(reference.ref)
        if made is not None and made.number > source.number and (refusal := missing_of(pod, reference.ref)):
            yield _problem(source, f"spec.{reference.path}", refusal.message, reference.ref, made)


def _problem(source: Source, field: str, message: str, needed: Ref, made: Source) -> Problem:
    hint = f"kubectl apply goes in this order: put {needed} of {made.file}:{made.line} before it"
    return Problem(source.file, source.line_of(field), field, message, hint)
