"""The DNS service's world over the real doors, and zones that take dynamic updates."""
