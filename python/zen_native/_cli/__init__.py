"""What the commands are made of. Private; `zen_native.cli` is the way in."""
