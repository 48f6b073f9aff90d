"""How a time stands in the bytes. Apart, because clients need it and should import little else."""

from __future__ import annotations

STAMP = 18  # digits of a time in nanoseconds
# What stands before a time of the chat wire. Its first digit is a zero for the first three years a machine is up.
MARK = b'"content":"0'
END = b"0\r\n\r\n"
"""The last chunk of a body."""
