"""What can be wrong with bytes that cross a topic, said without repeating any of them.

`schemas` imports nothing of ours, so these are plain exceptions; callers translate them into the error tree.
"""


class UnknownSchemaVersion(Exception):
    """One of our own messages, of a major version this release does not read.

    Deliberately no ValueError: pydantic would swallow it, and it is nobody's document's fault.
    """

    def __init__(self) -> None:
        super().__init__("The message has a schema version this release does not read: upgrade before consuming it.")


class Malformed(ValueError):
    """Bytes or headers that are not what they should be. The message names our own fields only, never a value."""
