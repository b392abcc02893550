"""Hollow machines: agents of many instances, played in one process.

Each does on the bus what the agent of a running machine does: asks for its assignment, says
hello, waits for its peers, tells that its job has started and, after a time, ended, and powers
its instance off when it is to. Nothing runs behind it. One user of the bus speaks for all.
"""
