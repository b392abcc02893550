"""What the IAM broker decides, from values alone."""
