"""The program on every machine of an array: its rank, its peers, its job, its output.

hears    `spawn.tell.<array>.all`, `spawn.tell.<array>.<instance>`
asks     `spawn.api.launcher.{assignment,peers}.<array>.<instance>`
says     `spawn.agent.<array>.<instance>.<report>`, `spawn.log.<array>.<rank>`
writes   below `${SPAWN_ROOT}`: /etc/spawn, /etc/profile.d/job-array.sh, /var/lib/spawn, /run/spawn

It runs on Python 3.9 with the standard library and nats-py, from one zip file. Its messages are
held to `spawn.contracts` by tests, not by imports. Whatever must outlive it (the job, its output,
what was not yet said) lives in other processes and in files, so that it may be killed and started
again at any instant.
"""

VERSION = "0.1.0"
