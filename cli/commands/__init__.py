"""One module per command; each has `register(app)` and is imported only when it is asked for."""
