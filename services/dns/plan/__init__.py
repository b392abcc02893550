"""Pure decisions: what is wanted, what is ours, what differs, and what goes out together."""
