"""A session of Ray in this process, as small as they come. Owns no actor."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import ray

__all__ = ["cluster"]


@contextmanager
def cluster(folder: str) -> Iterator[None]:
    """Ray, with its files in that folder, until the end of the block."""
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=80 << 20,
        _node_ip_address="127.0.0.1",
        _temp_dir=folder,
    )
    try:
        yield
    finally:
        ray.shutdown()
