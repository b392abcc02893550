"""What the IAM broker does, one short coroutine per occasion."""
