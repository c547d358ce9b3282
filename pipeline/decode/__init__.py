"""Untrusted documents into pages. Nothing is imported here: the child must not load what only the parent needs."""
