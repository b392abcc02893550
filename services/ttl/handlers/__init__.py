"""What the TTL service does, one short coroutine per occasion."""
