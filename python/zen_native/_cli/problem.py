"""What a command cannot start with. Owns no message; `cli` turns it into exit code 2."""

__all__ = ["UsageError"]


class UsageError(Exception):
    """The command was called in a way that cannot work; the text says what would."""
