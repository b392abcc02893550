"""EC2 in one region: the whole of `spawn.aws.ports.Ec2Port`."""

from spawn.aws.catalogue import CatalogueCalls
from spawn.aws.instances import InstanceCalls
from spawn.aws.markets import MarketCalls
from spawn.aws.network import NetworkCalls
from spawn.aws.power import PowerCalls


class Ec2(InstanceCalls, PowerCalls, CatalogueCalls, NetworkCalls, MarketCalls):
    """EC2 in one region; errors come out as outcomes, dicts do not come out."""
