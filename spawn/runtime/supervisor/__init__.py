"""The embedded control plane: nats-server, the laptop cloud and the services on one host.

Starts them in order, waits until each is ready, restarts what dies, ends all in order. What it
runs is written to `control.json` in the state folder and, so that a deleted folder loses
nothing, to a footprint outside of it. nats-server and the services die with the supervisor;
the laptop cloud does not, because its instances are "elsewhere": the next start takes it over.
"""
