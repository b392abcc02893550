"""Metrics and logs, set up once for every process."""
