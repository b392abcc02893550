"""What the TTL service decides, from values."""
