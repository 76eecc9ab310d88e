"""kube-proxy: from Services and EndpointSlices to the rules of one node, and from a packet to its fate.

Upstream: pkg/proxy and pkg/proxy/iptables (v1.32), the iptables mode.
`proxy.rules` makes a `rule.RuleSet`, `route.route` and `route.destinations` send packets through it.
Left out on purpose: the ipvs and nftables modes, IPv6, partial syncs (each rule set is whole), nodePortAddresses.
"""
