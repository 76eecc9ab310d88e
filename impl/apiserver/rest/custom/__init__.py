"""What the server tells of custom resources: in discovery, in its OpenAPI documents, in tables."""
