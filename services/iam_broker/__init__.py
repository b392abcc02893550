"""The IAM broker: makes grants, and says who a machine is on the bus.

Answers: `spawn.api.iam_broker.ensure`, and the server's auth callout.
Calls: IAM (roles and instance profiles), STS with what machines have signed, EC2
DescribeInstances, and the server's own requests for who is connected.
Writes: `spawn-grants`; nobody else does.

Invariants:
- A role of ours can be assumed by EC2 alone, so that the session name that STS reports is the id
  of the instance whose credentials signed.
- Nobody becomes a machine without a signature of that machine that STS has accepted, made for
  this deployment within the last minutes, and not shown before.
- A machine may say and hear what is its own; one that has ended nothing.
- A grant is recorded when IAM has all of it; what a crash left half made is completed.
"""
