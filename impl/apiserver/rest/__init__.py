"""The REST protocol in front of the API server: an HTTP request as a value in, an HTTP answer as a value out."""
