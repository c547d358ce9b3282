"""Untrusted documents into pages. Empty: the child imports this package and must not load what only the parent needs."""
