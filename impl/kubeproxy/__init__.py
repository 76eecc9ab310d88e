"""kube-proxy: from Services and EndpointSlices to the rules of one node, and from a packet to its fate.

Upstream: pkg/proxy, pkg/proxy/iptables and pkg/proxy/conntrack (v1.32), the iptables mode.
`proxy.rules` makes a `rule.RuleSet`, `restore.restore_text` spells it, `route.route` and `route.destinations` send
packets through it, `conntrack` remembers connections and clears them; `nftables` does the same by a table of its own.
`sync` makes full and partial synchronisations, `tables` says what such texts do, `health` answers load balancers,
`oddities` tells what a proxier passes over in silence.
Every function is for one address family (`family`): a node with both has two proxiers.
Left out on purpose: the ipvs mode, nodePortAddresses.
"""
