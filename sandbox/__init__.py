"""The laptop cloud: AWS as a process of one's own.

One aiohttp front over moto, with wrappers that make EC2 behave as EC2 does: token buckets,
client tokens, capacity, states that take time, eventual consistency, events. Every behaviour
can be set from a scenario file or over the admin API (`sandbox.admin`). Production code never
knows: only its endpoints differ.
"""
