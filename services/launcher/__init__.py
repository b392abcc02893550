"""The launcher: makes arrays, watches their instances, and ends them.

Hears: `spawn.cmd.launcher.launch`, `spawn.cmd.launcher.terminate`,
`spawn.cmd.launcher.expire`, `spawn.cmd.launcher.power`, `spawn.cmd.launcher.look`, and of machines
`spawn.agent.*.*.hello`, `spawn.agent.*.*.job.exited`, `spawn.agent.*.*.boot.failed`,
`spawn.agent.*.*.checkpoint.warned`, `spawn.agent.*.*.checkpoint.started`,
`spawn.agent.*.*.checkpoint.finished`, `spawn.agent.*.*.checkpoint.failed`.
Answers: `spawn.api.launcher.plan`, `spawn.api.launcher.collect`, `spawn.api.launcher.roster`,
`spawn.api.launcher.exec`, `spawn.api.launcher.checkpoint`, `spawn.api.launcher.cloud`,
`spawn.api.launcher.cost`; machines at
`spawn.api.launcher.assignment.*.*` and `spawn.api.launcher.peers.*.*`.
Says: `array.*`, `instance.*`, `member.*`, `power.*`, `checkpoint.*`, and nudges to machines.
Calls: EC2 (RunInstances, DescribeInstances, StopInstances, StartInstances, TerminateInstances,
look-ups, spot prices and scores), AWS's price list, SSM GetParameter, S3 (the agent's bucket), the
IAM broker's `ensure`.
Writes: `spawn-arrays`, `spawn-members`, `spawn-specs`; nobody else does.

Invariants:
- Before a call that makes instances, its complete request stands in the array's record; after a
  crash the same request is sent again, so a token never makes two reservations.
- A new intent and the end of an array compete in one compare-and-set: after the end is written
  nothing more is launched.
- An event is written with the state that it tells of, and is on the bus before that record is
  replaced.
- Peers count as complete once every rank that was had is placed and its machine has said hello.
- Machines whose lease means a stop are never ended by it.
- Only an instance whose record or own lease says so is ended; an unknown one is adopted.
"""
