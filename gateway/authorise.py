"""Ask policy: a caller, an object and an action in, a Decision out. The pipeline turns a refusal into 403."""

from __future__ import annotations

import time

from gateway.call import Incoming
from gateway.identity.principal import Principal
from policies.bundle import Bundle
from policies.decision import AccessRequest, Decision


def authorise(bundle: Bundle, incoming: Incoming, principal: Principal, obj: str, action: str) -> Decision:
    """Decide once, over the union of the caller's subject and all its roles, so that a deny for any of them holds."""
    context = {
        "address": incoming.address,
        "time": int(time.time()),
        "scope": principal.scope,
        "amr": principal.amr,
        "acr": principal.acr,
        "tenant": principal.tenant,
    }
    return bundle.access.decide(AccessRequest(principal.subjects, obj, action, context))
