"""Who moves bytes: what a transport is, how long it may wait, and when something is tried again.

Owns no wire format. A transport of one's own implements `base.Transport`.
"""

from __future__ import annotations
