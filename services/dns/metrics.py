"""What the DNS service measures."""

from spawn.telemetry.metrics import counter, gauge, histogram

NAMES = gauge("dns", "names", "Names of machines that resolve.")
RECORDS = gauge("dns", "records", "Records of ours in the zone.")
REFUSED = gauge("dns", "refused_names", "Names that can't be made.")
CHANGES = counter("dns", "changes", "Atomic changes asked of the zone, by outcome.", ("outcome",))
EDITED = counter("dns", "records_changed", "Records made, replaced or removed.")
LOOKS = counter("dns", "looks", "Looks at the whole zone.")
LAG = histogram(
    "dns",
    "lag",
    "Time from when a change of names is wanted until every name server answers with it.",
)
SPREAD = histogram("dns", "spread", "Time from a change until every name server answers with it.")
REGISTRAR_FAILURES = counter("dns", "registrar_failures", "Registrars that ended by a defect.")
