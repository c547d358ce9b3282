"""One trace a document, and the words used in it."""
