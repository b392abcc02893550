"""What the spot watcher decides, from values alone."""
