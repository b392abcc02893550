"""What the spot watcher does, one short coroutine per occasion."""
