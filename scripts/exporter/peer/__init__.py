"""Peers of `attest profile --peer NAME`: the same layer and the same work in Python, timed on request."""
