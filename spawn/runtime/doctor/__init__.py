"""What is wrong with a control plane, and what to do about it."""
