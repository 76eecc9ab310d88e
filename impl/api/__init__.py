"""The vocabulary: Kubernetes' objects as frozen values, and the small languages in their fields.

Every other room speaks it; it depends on nothing but attrs, cattrs, immutabledict and PyYAML.
"""
