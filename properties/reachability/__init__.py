"""Who answers a packet: rules, policies and answers as formulas, and what is proved of the proxy."""
