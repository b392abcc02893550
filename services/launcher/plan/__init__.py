"""The launcher's decisions: synchronous functions of values, fully tested without a cloud."""
