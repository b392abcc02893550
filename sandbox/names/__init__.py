"""The laptop cloud's name server: answers from the zones of the emulated Route 53.

UDP and TCP on one port of loopback, for `dig` and whoever can be told a port; and, for programs
that can't, a hosts file with the addresses of machines, which these see in the place of
`/etc/hosts` (`sandbox.machines.init.isolation`).
"""
