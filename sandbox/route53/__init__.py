"""The emulated Route 53: moto's, with batches as AWS has them and changes that take time."""
