"""The IAM broker: makes grants and deletes them, and says who a machine is on the bus.

Answers: `spawn.api.iam_broker.ensure`, `spawn.api.iam_broker.describe`,
`spawn.api.iam_broker.lint`, `spawn.api.iam_broker.collect`, and the server's auth callout.
Says: `grant.ready`.
Calls: IAM (roles, instance profiles, policies), STS with what machines have signed, EC2
DescribeInstances, and the server's own requests for who is connected.
Writes: `spawn-grants`; nobody else does.

Invariants:
- A role of ours can be assumed by EC2 alone, so that the session name that STS reports is the id
  of the instance whose credentials signed. An existing role is given, and let in, only while the
  same holds for it and an operator allows it.
- Nobody becomes a machine without a signature of that machine that STS has accepted, made for
  this deployment within the last minutes, and not shown before.
- A machine may say and hear what is its own; one that has ended nothing.
- The same permissions are the same role, whoever asks, in whatever order.
- A role is within a boundary before it is allowed anything, and in a profile only after it has
  all that was asked for. What somebody else has made is neither used nor changed.
- A grant is recorded when IAM has all of it; what a crash left half made is completed by whoever
  asks for it next, or deleted in time.
- Who makes a grant and who deletes it hold the same fence, and its record goes before it does: a
  living array or instance never loses its role.
"""
