"""What may be asked of the API server: one file for each verb and each subresource that acts."""
