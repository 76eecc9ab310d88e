"""What a real API server says of itself: discovery, OpenAPI and columns of tables, as recorded."""
