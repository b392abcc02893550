"""How properties are tried: the same cases in every run, or new ones with SPAWN_TORTURE=1."""

from hypothesis import settings

from spawn.runtime.settings import environment

# A machine that is busy with something else fails no property.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("torture", max_examples=1000, deadline=None)
settings.load_profile("torture" if environment().get("SPAWN_TORTURE") == "1" else "ci")
