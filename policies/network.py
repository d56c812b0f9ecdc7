"""network.yaml: from which source networks each surface may be reached."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from policies.node import Node
from policies.problem import Problems, quoted

SURFACES: Final = ("api", "admin", "metrics", "console")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """Allowed networks per surface. A surface that is not listed cannot be reached."""

    surfaces: Mapping[str, tuple[Network, ...]]

    def allows(self, surface: str, address: str | None) -> bool:
        """Whether this source address may reach the surface. Text that is no address reaches nothing.

        An IPv4 address inside IPv6 (`::ffff:10.0.0.1`, RFC 4291 §2.5.5.2) counts as the IPv4 address.
        """
        networks = self.surfaces.get(surface, ())
        if address is None or len(address) > 64:
            return False
        source = _source(address)
        return source is not None and any(source in network for network in networks)


@lru_cache(maxsize=4096)
def _source(address: str) -> Address | None:
    """The address, which most callers send request after request; None for text that is no address."""
    try:
        source = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(source, ipaddress.IPv6Address) and source.ipv4_mapped is not None:
        return source.ipv4_mapped
    return source


def load_network(node: Node, problems: Problems) -> NetworkPolicy:
    """Read network.yaml; mistakes go to `problems`."""
    fields = node.mapping(SURFACES)
    surfaces: dict[str, tuple[Network, ...]] = {}
    for name in SURFACES:
        listed = fields.node(name)
        found = [_network(item, problems) for item in listed.nodes()] if listed else []
        surfaces[name] = tuple(network for network in found if network is not None)
        if listed and isinstance(listed.value, tuple) and not found:
            listed.fail(f"{listed.label} must list at least one network")
    return NetworkPolicy(surfaces)


def _network(node: Node, problems: Problems) -> Network | None:
    text = node.string(max_length=64)
    if not text:
        return None
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        problems.add(node.location, f"not a network in CIDR form: {quoted(text)}{_hint(text)}")
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.network_address.ipv4_mapped is not None:
        problems.add(node.location, f"write the IPv4 network itself, not {quoted(text)}")
        return None
    return network


def _hint(text: str) -> str:
    try:
        return f" (did you mean `{ipaddress.ip_network(text, strict=False)}`?)"
    except ValueError:
        return ""
