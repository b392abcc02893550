"""The launcher: makes arrays, watches their instances, and ends them.

Hears: `spawn.cmd.launcher.launch`, `spawn.cmd.launcher.terminate`.
Answers: `spawn.api.launcher.plan`, `spawn.api.launcher.collect`.
Says: `array.*`, `instance.*`.
Calls: EC2 (RunInstances, DescribeInstances, TerminateInstances, look-ups), SSM GetParameter.
Writes: `spawn-arrays`, `spawn-members`, `spawn-specs`; nobody else does.

Invariants:
- Before a call that makes instances, its complete request stands in the array's record; after a
  crash the same request is sent again, so a token never makes two reservations.
- A new intent and the end of an array compete in one compare-and-set: after the end is written
  nothing more is launched.
- An event is written with the state that it tells of, and is on the bus before that record is
  replaced.
- Only an instance whose record or own lease says so is ended; an unknown one is adopted.
"""
