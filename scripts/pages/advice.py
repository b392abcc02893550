"""What codes and causes mean, and what to do about them: the part that nobody can generate."""

from spawn.errors import Cause

CAUSES: dict[Cause, str] = {
    Cause.THROTTLED: "Too many calls for the rate that AWS, or the service, allows. It is tried"
    " again by itself; [what to do](operations/throttled.md) when it goes on.",
    Cause.UNREACHABLE: "Nobody answered. Services try again for ever; a command says so at once:"
    " `spawn doctor` says what does not answer.",
    Cause.INTERNAL: "AWS or a service has failed inside. It is tried again by itself; the log of"
    " the service says more.",
    Cause.PROPAGATING: "AWS has made something that it does not see everywhere yet. It is tried"
    " again by itself, for two minutes at most.",
    Cause.CAPACITY: "The pool has no (or not enough) capacity. The launch goes on to the next"
    " pool; name more types or zones, or accept fewer by `--min-count`.",
    Cause.QUOTA: "A limit of the AWS account, or of IAM. Ask for more in Service Quotas, or ask"
    " for less.",
    Cause.PERMISSION: "Who asks may not do it. The text names the action or setting; policies of"
    " the services are in [iam](iam/README.md).",
    Cause.INVALID: "It is wrong as it was asked for. The text names the field and what is right.",
    Cause.EXISTS: "Something else was there first. The text names it.",
    Cause.ABSENT: "What was named is not there, or not any more.",
}

CODES: dict[str, str] = {
    "AboveCeiling": "The permissions that were asked for are more than this deployment grants to"
    " anybody. Ask for less, or have `SPAWN_IAM_CEILING` raised by whoever runs it.",
    "BadProof": "A machine could not prove which role it has. Its agent tries again; a clock that"
    " is wrong by more than minutes is the usual reason.",
    "BoundaryMismatch": "The permissions boundary in IAM was changed by somebody. Put it right as"
    " the text says: no role is made before.",
    "GrantIncomplete": "Another replica is making the role. It is tried again by itself.",
    "GrantMismatch": "A role or profile under our path says something else than its grant. It is"
    " never used; delete it in IAM, and it is made anew.",
    "InsufficientInstanceCapacity": "AWS' code: the pool had fewer instances than were asked for."
    " The launch goes on to the next pool.",
    "InvalidAMIID": "No image is there under this name or parameter in the region; name one by"
    " `--ami`.",
    "InvalidGroup.NotFound": "EC2 does not see the new security group everywhere yet. It is tried"
    " again by itself.",
    "InvalidMessage": "A message does not say what its contract says it must"
    " ([asyncapi.yaml](asyncapi.yaml)). The text names the place in it.",
    "Later": "A machine knocks before it can be let in, or too many do at once. Its agent tries"
    " again.",
    "NoControlPlane": "Nothing runs that could be asked. Start one: `spawn up --sandbox` (a cloud"
    " on this machine) or `spawn up` (AWS); or name a bus by `SPAWN_NATS_URL`.",
    "NoGrant": "A machine proved a role that is not the one its array was granted. It stays out.",
    "NoMachine": "Who knocks is no machine of a living array here: it has ended, was replaced, or"
    " belongs to another deployment. It stays out.",
    "PolicyTooLarge": "IAM takes policies up to a size. Join resources by wildcards, or put a part"
    " into a managed policy of your own (`--iam-managed-policies`).",
    "Replay": "A proof of identity came twice. The second is refused; an agent makes a new one for"
    " each connection.",
    "RoleNotAllowed": "`--iam-role` names a role that may not be used here. Whoever runs the"
    " deployment can allow it by `SPAWN_IAM_ALLOWED_ROLES`.",
    "RoleProfile": "EC2 gives roles to machines by instance profiles, and the role is in none. The"
    " text has the commands that make one.",
    "RoleTrust": "The role may be assumed by others than EC2, so that it proves no machine. Change"
    " its trust policy, or name another role.",
    "StartFailed": "A part of the control plane did not start, or ended at once. The text has what"
    " it said last and where its log is.",
    "TooLarge": "The bus takes messages up to 900 kB, commands less. Put large texts into S3 and"
    " fetch them from the script.",
    "TooLate": "The bus has given the machine's knock up before it was decided. Its agent tries"
    " again.",
    "bus-unreachable": "Machines on AWS need an address at which they can dial the bus. Set"
    " `SPAWN_BUS_ADVERTISE` as the text says and start the control plane again.",
    "capacity": "Fewer instances than `--min-count` can be had in all pools; what was launched was"
    " ended. The event and `spawn status` say what each pool answered. Name more"
    " `--instance-type`, leave `--zone` open, or accept fewer.",
    "crash": "Dead letter: its handler ended the process each time. See"
    " [what to do](operations/dead-letters.md).",
    "dns-none": "This deployment makes no names, and the launch asks for some. Leave it out, or"
    " set `SPAWN_DNS_BACKEND` and `SPAWN_DNS_BASE`.",
    "dns-taken": "Another living array has names that these would be taken for. Choose others by"
    " `--dns`.",
    "ending": "The array is being ended, so that its lease counts no more. Launch it again.",
    "error": "Dead letter: its handler failed five times. See"
    " [what to do](operations/dead-letters.md).",
    "expired": "The request lay on the bus for longer than it was good for, since no service was"
    " there to take it. Send it again.",
    "gone": "There is no such array any more. `spawn list --all` shows those that were.",
    "key": "What was named can't be the key of a record, so that there can be none.",
    "launching": "Machines are stopped or started once all of them are there. Wait until the"
    " array is ready.",
    "lease-over": "The lease ended before the change came; the array is going. Launch it again.",
    "lost": "So many machines went away that fewer than `--min-count` are left to begin with."
    " `spawn status` says what EC2 said of each.",
    "member-failed": "A member's job failed, and `--on-member-failure fail-array` ends the array"
    " then. `spawn logs ARRAY` shows its output.",
    "max-cost": "The lease may go no further than its limit of costs. Launch with a larger"
    " `--max-cost`.",
    "name-taken": "A living array has the name. Choose another, or end it as the text says.",
    "no-agent": "The launch has a job, and this control plane has no agent to run it. Run `make"
    " agent` or set `SPAWN_AGENT_FILE`, and start it again.",
    "no-dns": "This deployment makes no names: `SPAWN_DNS_BACKEND` is none.",
    "past": "The new end is in the past. To end it now: `spawn terminate ARRAY`.",
    "request-conflict": "The request id was used before, for something else. A request is one"
    " array for ever; use another `--request-id`, or none.",
    "no-hibernation": "The type or the image can't hibernate. Choose others, or let machines stop"
    " instead.",
    "no-price": "There is no price to limit the costs by. Use types that have one, or launch"
    " without the limit.",
    "not-prepared": "Only what is launched with `--hibernate` can be hibernated. Stop it instead.",
    "one-time-spot": "EC2 can't stop such a spot machine. Launch the next one with"
    " `--on-expire stop`.",
    "schema": "Dead letter: it does not say what such a message must say. See"
    " [what to do](operations/dead-letters.md).",
    "stale": "The request was made for a lease that has changed meanwhile. Look, and ask again.",
    "too-long": "Leases may be `SPAWN_MAX_TTL` long, from now. Extend it again later, or have the"
    " setting raised.",
    "unaddressed": "Dead letter: a launch that does not say for whom it is, so that nobody can be"
    " told. See [what to do](operations/dead-letters.md).",
    "verb": "Dead letter: no service knows such a command. See"
    " [what to do](operations/dead-letters.md).",
}
