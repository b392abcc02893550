"""Machines that really run: each running instance as processes on this host.

A machine has an address of its own (its private IP, out of 127.0.0.0/8), a root folder, a
metadata service and an init (`sandbox.machines.init`) that runs user-data and units as
cloud-init and systemd do, with shims of `systemctl` and `shutdown` that act on the machine.
`Fleet` ties them to the states of the instances. Linux only.
"""
