"""The services of spawn, one package each; they meet only on the bus."""
