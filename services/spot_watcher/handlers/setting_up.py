"""Setting a region up: the queue, who may send to it, and the rules that do."""

from services.spot_watcher.plan import setup
from services.spot_watcher.ports import World
from spawn.aws.shapes import EventRule
from spawn.bus.ports import Request
from spawn.contracts.notices import Setup, SetupRequest, Watched, WatchRequest
from spawn.errors import Rejected
from spawn.telemetry.log import get_logger

_log = get_logger(__name__)


async def on_setup(request: Request[SetupRequest], world: World) -> Setup:
    """Make what is missing of a region, and say what that was."""
    region = request.body.region or world.region
    if not region:
        raise Rejected("no region is configured: name one with --region", field="region")
    return await set_up(world, region)


async def on_watch(request: Request[WatchRequest], world: World) -> Watched:
    """Say which queues are read."""
    _ = request
    regions = world.memory.watched
    return Watched(regions=tuple(regions[name] for name in sorted(regions)))


async def set_up(world: World, region: str) -> Setup:
    """Make the queue and the rules of a region, or what is missing of them; again is harmless."""
    setup.check_deployment(world.deployment)
    tags, sqs = setup.tags(world.deployment), world.aws.sqs(region)
    name = setup.queue_name(world.deployment)
    queue, is_new = await sqs.ensure(name, setup.attributes(), tags)
    specs = setup.rules(world.deployment)
    senders = tuple(setup.rule_arn(queue.arn, spec.name) for spec in specs)
    _, is_opened = await sqs.ensure(name, setup.policy(queue.arn, senders), tags)
    made = [name] if is_new or is_opened else []
    for spec in specs:
        rule = EventRule(
            name=spec.name, pattern=spec.text, description=spec.about, target_arn=queue.arn
        )
        if await world.aws.eventbridge(region).ensure(rule, tags):
            made.append(spec.name)
    world.memory.set_up[region].set()
    _log.info("set up", region=region, made=made)
    rules = tuple(spec.name for spec in specs)
    return Setup(region=region, queue=queue.url, rules=rules, made=tuple(made))
