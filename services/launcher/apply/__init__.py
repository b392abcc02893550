"""The launcher's only writes: its records with their events, and its calls to EC2."""
