"""The spot watcher: what the cloud announces, heard once, whoever says it and however often.

Hears: the queue `spawn-<deployment>-notices` of each region that has arrays, to which EventBridge
sends interruption warnings, rebalance recommendations, state changes and scheduled changes; the
reports `notice` of machines (`spawn.agent.*.*.notice`).
Answers: `spawn.api.spot_watcher.setup`, `spawn.api.spot_watcher.watch`.
Says: `notice.*`; tells machines who leaves (`spawn.tell.<array>.all` and `.<instance>`).
Calls: the launcher, by the command `look`: a hint that an instance's state has changed.
Writes: `spawn-notices`; nobody else does.

Invariants:
- An instance has one notice of a kind and action. Creating its record decides who says it.
- An event is published, and machines are told, before the message that said it is deleted; a
  record keeps its event until then.
- What is not ours is dropped; what can't be read is put aside and never stops the queue.
- Nothing is held in memory that a restart would miss: what is not deleted comes again.
"""
