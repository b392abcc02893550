"""The TTL service: everything ends, on time, whatever has failed.

Hears: `spawn.cmd.ttl.extend`; `spawn.evt.*.array.accepted`, `spawn.evt.*.array.terminated`,
`spawn.evt.*.array.failed`, `spawn.evt.*.array.rejected`; `spawn.due.*.lease`.
Says: `lease.*`.
Calls: the launcher, by the command `expire`.
Writes: `spawn-leases`, and timers; nobody else does.

Invariants:
- The end of a lease and every change of it compete in one compare-and-set: a change that is
  confirmed is kept, and one that comes too late is refused.
- A lease's record is read, or compared, before anything is done because of a timer.
- No lease ends before its instant by this service's clock.
- What is held in memory does not grow with the number of leases; a restart forgets nothing.
"""
