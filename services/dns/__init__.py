"""The DNS service: the names of machines, right while they run and gone before they are.

Hears: `spawn.evt.*.notice.interruption`.
Answers: `spawn.api.dns.list`, `spawn.api.dns.check`, `spawn.api.dns.collect`.
Says: `hostname.*`.
Calls: the zone's backend (Route 53, or a name server that takes dynamic updates).
Writes: `spawn-hostnames`, and the zone; nobody else does.

Invariants:
- What is to stand in the zone is a function of the arrays' and members' records and of notices
  alone; whatever wakes the service, it compares that with the zone and changes what differs.
- Every change says what it expects to find and is refused when something else stands there, so
  that neither a foreign record nor another replica's newer one is ever overwritten.
- Which names of an array are ours stands in one TXT record, changed with them in one atomic
  change; what it does not name is not touched.
- An instance that has a notice, or whose job has ended, has left the group; one that is going
  has no name.
"""
