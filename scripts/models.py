"""Makes the package's table of models from a catalogue: a file or URL in any form that `catalogue.refresh` takes.

    python scripts/models.py SOURCE

Facts alone are taken: format, address, limits and prices. models.dev is under the MIT licence, which the table names.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from zen_native.catalogue import refresh

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Writes the table, and says what changed and what was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", help="file or URL of the catalogue")
    source: str = parser.parse_args().source
    done = refresh(source, ROOT / "python" / "zen_native" / "data" / "models.json")
    print(f"{len(done.table.models)} models as of {done.table.as_of}, from {done.table.source}")
    for what in ("added", "removed", "changed", "skipped"):
        for name in getattr(done, what):
            print(f"{what}: {name}")


if __name__ == "__main__":
    main()
