"""The service account controller in a world: a namespace that is new has no account `default` until it is made.

Upstream: pkg/controller/serviceaccount/serviceaccounts_controller.go, plugin/pkg/admission/serviceaccount (v1.32). It
makes the account in each namespace that is Active, as soon as it sees it; the API server refuses a Pod whose account
does not exist. So a Pod by itself that is applied right behind its namespace is refused or not, and nobody tries again.
Left out on purpose: the refusals of controllers, which try again until the account is there, so that they only come
later; namespaces of the manifests, of which an assumption says it; a namespace that is made again under its name; the
ConfigMap kube-root-ca.crt, without which a kubelet waits, and that comes in the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from ....impl.api.cache import Cache
from ....impl.api.core import Namespace
from ....impl.api.kinds import ref_of
from ....impl.api.requests import Create
from ....impl.controllers import serviceaccount
from ....model.machine import Action, Outcome, View
from ....model.world.component import Component, constantly
from ....model.world.verbs import Verb
from ....model.world.world import World
from ...input.scenario import Scenario
from ..script.script_slots import account

USER = "service-account-controller"


def component(scenario: Scenario) -> Component[World]:
    """Return the controller for the namespaces that the script makes, and then Pods in them that run as `default`."""
    new = scenario.without_accounts
    return Component("accounts", partial(_actions, new), constantly({account(name): False for name in new}))


def _actions(new: tuple[str, ...], world: World) -> Iterator[Action]:
    for name in new:
        does = partial(_makes, world, name)
        yield Action(f"{USER} {name}: sends", USER, does, by=USER, verb=Verb.SENDS, on=name)


def _makes(world: World, name: str, view: View) -> Iterator[Outcome]:
    if view[account(name)]:
        return
    for place in world.layout.pools.get("Namespace", ()):
        space = view[place]
        if isinstance(space, Namespace) and space.metadata.name == name:
            for request in serviceaccount.reconcile(Cache.of((space,)), ref_of(space)):
                if isinstance(request, Create):
                    told = f"creates ServiceAccount {request.object.metadata.name} in {name}"
                    yield Outcome(told, {account(name): True})
