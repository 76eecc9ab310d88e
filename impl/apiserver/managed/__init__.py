"""Who owns which field: metadata.managedFields, and server-side apply, which refuses to take what others own."""
