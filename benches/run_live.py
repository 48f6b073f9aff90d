"""`make bench-live`; the work is in `live/`."""

from __future__ import annotations

import sys

from live.main import main

if __name__ == "__main__":
    sys.exit(main())
