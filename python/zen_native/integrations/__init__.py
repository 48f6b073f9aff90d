"""Joints to other libraries, each imported by whoever wants it and by nothing of this package."""
