"""Admission: the plugins of the API server that complete or refuse what somebody wants stored."""
