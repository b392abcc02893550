"""The init of one machine: `python -m sandbox.machines.init FOLDER`.

It is the subreaper of everything that the machine runs, speaks with its shims over a socket in
FOLDER, and takes the orders of the sandbox from its stdin. It ends, and the whole machine with
it, when it is told to, when the machine powers off or reboots, and when the sandbox is gone.
"""
