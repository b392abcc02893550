"""The TTL service: everything ends, on time, whatever has failed.

Hears: `spawn.cmd.ttl.extend`; `spawn.evt.*.array.accepted`, `spawn.evt.*.array.terminated`,
`spawn.evt.*.array.failed`, `spawn.evt.*.array.rejected`; `spawn.due.*.lease`,
`spawn.due.*.lease.*`.
Says: `lease.*`.
Calls: the launcher, by the commands `expire` and `power`; machines, by `spawn.tell.<array>.all`
and `spawn.tell.<array>.<instance>`.
Reads: `spawn.agent.*.*.heartbeat`, `spawn-arrays`, `spawn-members`.
Writes: `spawn-leases`, and timers; nobody else does.

Invariants:
- The end of a lease and every change of it compete in one compare-and-set: a change that is
  confirmed is kept, and one that comes too late is refused.
- A lease's record is read, or compared, before anything is done because of a timer.
- A member's own lease counts once its array's record lists it, by a write of that compare-and-set.
- No lease ends before its instant by this service's clock.
- What is held in memory does not grow with the number of leases; a restart forgets none.
- Nothing is called idle of which it is not known that it does nothing: what has not been heard,
  can't be read or has just begun counts as work. A little is held for that, for each machine of
  arrays with an idle timeout, and a restart begins to count anew.
"""
