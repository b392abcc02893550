"""EC2's XML, written directly: a generic serializer takes 50 times as long."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import escape

from sandbox.ec2.records import Record
from sandbox.ec2.region import cpus
from sandbox.ec2.states import State

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"


def answer(action: str, request_id: str, inner: str) -> bytes:
    """Return the whole answer of an EC2 call."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<{action}Response xmlns="{NAMESPACE}">'
        f"<requestId>{request_id}</requestId>{inner}</{action}Response>"
    ).encode()


def done(action: str, request_id: str) -> bytes:
    """Return the answer of a call that has nothing to say."""
    return answer(action, request_id, "<return>true</return>")


def reservation(owner: str, reservation_id: str, items: Iterable[str]) -> str:
    """Return a reservation's fields around its instances."""
    return (
        f"<reservationId>{reservation_id}</reservationId><ownerId>{owner}</ownerId>"
        f"<groupSet/><instancesSet>{''.join(items)}</instancesSet>"
    )


def instance(record: Record, tags: Mapping[str, str]) -> str:
    """Return one instance's item."""
    return (
        f"<item>{_identity(record)}{_network(record)}{_reason(record)}"
        f"<architecture>{record.architecture}</architecture><rootDeviceType>ebs</rootDeviceType>"
        f"<rootDeviceName>{record.model.root_device_name}</rootDeviceName>"
        f"{_devices(record)}{_market(record)}<virtualizationType>hvm</virtualizationType>"
        f"<clientToken>{escape(record.client_token)}</clientToken>"
        f"{_tags(tags)}<hypervisor>xen</hypervisor>{_options(record)}</item>"
    )


def _identity(record: Record) -> str:
    model, state = record.model, record.state
    key = f"<keyName>{escape(model.key_name)}</keyName>" if model.key_name else ""
    monitored = "enabled" if model.monitored else "disabled"
    return (
        f"<instanceId>{record.id}</instanceId><imageId>{model.image_id}</imageId>"
        f"<instanceState><code>{state.code}</code><name>{state.value}</name></instanceState>"
        f"<reason>{record.transition_reason}</reason>{key}"
        f"<amiLaunchIndex>{model.ami_launch_index}</amiLaunchIndex><productCodes/>"
        f"<instanceType>{model.instance_type}</instanceType>"
        f"<launchTime>{record.launched_at:%Y-%m-%dT%H:%M:%S}.000Z</launchTime>"
        f"<placement><availabilityZone>{record.pool.zone}</availabilityZone><groupName/>"
        f"<tenancy>{model.placement.tenancy}</tenancy></placement>"
        f"<monitoring><state>{monitored}</state></monitoring>"
    )


def _reason(record: Record) -> str:
    reason = record.state_reason
    if reason is None:
        return ""
    return (
        f"<stateReason><code>{reason.code}</code><message>{reason.message}</message></stateReason>"
    )


def state_change(record: Record, previous: State) -> str:
    """Return the item of TerminateInstances, StopInstances and StartInstances."""
    return (
        f"<item><instanceId>{record.id}</instanceId>"
        f"<currentState><code>{record.state.code}</code><name>{record.state.value}</name>"
        f"</currentState><previousState><code>{previous.code}</code>"
        f"<name>{previous.value}</name></previousState></item>"
    )


def status(record: Record) -> str:
    """Return the item of DescribeInstanceStatus."""
    health = "ok" if record.state is State.RUNNING else "not-applicable"
    detail = (
        "<details><item><name>reachability</name><status>passed</status></item></details>"
        if health == "ok"
        else ""
    )
    return (
        f"<item><instanceId>{record.id}</instanceId>"
        f"<availabilityZone>{record.pool.zone}</availabilityZone>"
        f"<instanceState><code>{record.state.code}</code><name>{record.state.value}</name>"
        f"</instanceState><systemStatus><status>{health}</status>{detail}</systemStatus>"
        f"<instanceStatus><status>{health}</status>{detail}</instanceStatus></item>"
    )


def _network(record: Record) -> str:
    if record.state is State.TERMINATED:
        # A terminated instance has given back its address, subnet and interfaces.
        return "<privateDnsName/><dnsName/><groupSet/><networkInterfaceSet/>"
    model = record.model
    public = model.public_ip
    groups = _groups(model.security_groups)
    check = str(model.source_dest_check).lower()
    interfaces = "".join(_interface(record, nic, groups) for nic in model.nics.values())
    return (
        f"<privateDnsName>{model.private_dns_name}</privateDnsName>"
        f"<dnsName>{model.public_dns_name or ''}</dnsName>"
        f"<subnetId>{model.subnet_id}</subnetId><vpcId>{record.vpc_id}</vpcId>"
        f"<privateIpAddress>{model.private_ip}</privateIpAddress>"
        + (f"<ipAddress>{public}</ipAddress>" if public else "")
        + f"<sourceDestCheck>{check}</sourceDestCheck>{groups}"
        + f"<networkInterfaceSet>{interfaces}</networkInterfaceSet>"
    )


def _groups(groups: Iterable[Any]) -> str:
    items = (
        f"<item><groupId>{group.id}</groupId><groupName>{escape(group.name)}</groupName></item>"
        for group in groups
    )
    return f"<groupSet>{''.join(items)}</groupSet>"


def _interface(record: Record, nic: Any, groups: str) -> str:
    model, address = record.model, nic.private_ip_address
    attached = f"{record.launched_at:%Y-%m-%dT%H:%M:%S}.000Z"
    return (
        f"<item><networkInterfaceId>{nic.id}</networkInterfaceId><subnetId>{nic.subnet.id}"
        f"</subnetId><vpcId>{record.vpc_id}</vpcId><description>{escape(nic.description)}"
        f"</description><ownerId>{model.owner_id}</ownerId><status>in-use</status>"
        f"<macAddress>{nic.mac_address}</macAddress>"
        f"<privateIpAddress>{address}</privateIpAddress>"
        f"<sourceDestCheck>{str(nic.source_dest_check).lower()}</sourceDestCheck>{groups}"
        f"<attachment><attachmentId>{nic.attachment_id}</attachmentId><deviceIndex>"
        f"{nic.device_index}</deviceIndex><status>attached</status><attachTime>{attached}"
        f"</attachTime><deleteOnTermination>{str(nic.delete_on_termination).lower()}"
        "</deleteOnTermination></attachment><privateIpAddressesSet><item><privateIpAddress>"
        f"{address}</privateIpAddress><primary>true</primary></item></privateIpAddressesSet>"
        "<interfaceType>interface</interfaceType></item>"
    )


def _devices(record: Record) -> str:
    items = (
        f"<item><deviceName>{name}</deviceName><ebs><volumeId>{device.volume_id}</volumeId>"
        f"<status>attached</status><attachTime>{record.launched_at:%Y-%m-%dT%H:%M:%S}.000Z"
        f"</attachTime><deleteOnTermination>{str(device.delete_on_termination).lower()}"
        "</deleteOnTermination></ebs></item>"
        for name, device in record.model.get_block_device_mapping
    )
    return f"<blockDeviceMapping>{''.join(items)}</blockDeviceMapping>"


def _market(record: Record) -> str:
    if record.pool.market != "spot":
        return ""
    return (
        "<instanceLifecycle>spot</instanceLifecycle>"
        f"<spotInstanceRequestId>{record.spot_request}</spotInstanceRequestId>"
    )


def _tags(tags: Mapping[str, str]) -> str:
    items = (
        f"<item><key>{escape(key)}</key><value>{escape(value)}</value></item>"
        for key, value in tags.items()
    )
    return f"<tagSet>{''.join(items)}</tagSet>"


def _options(record: Record) -> str:
    model = record.model
    profile: dict[str, str] | None = model.iam_instance_profile
    hibernates = str(record.hibernates).lower()
    metadata = model.metadata_options
    return (
        (
            f"<iamInstanceProfile><arn>{escape(profile['Arn'])}</arn>"
            f"<id>{record.profile_id or profile.get('Id', '')}</id>"
            "</iamInstanceProfile>"
            if profile
            else ""
        )
        + f"<ebsOptimized>{str(bool(model.ebs_optimized)).lower()}</ebsOptimized>"
        f"<hibernationOptions><configured>{hibernates}</configured>"
        "</hibernationOptions><enclaveOptions><enabled>false</enabled></enclaveOptions>"
        f"<metadataOptions><state>applied</state><httpTokens>{metadata.http_tokens}</httpTokens>"
        f"<httpPutResponseHopLimit>{metadata.http_put_response_hop_limit}"
        f"</httpPutResponseHopLimit><httpEndpoint>{metadata.http_endpoint}</httpEndpoint>"
        f"<httpProtocolIpv6>{metadata.http_protocol_ipv6}</httpProtocolIpv6>"
        f"<instanceMetadataTags>{metadata.instance_metadata_tags}</instanceMetadataTags>"
        f"</metadataOptions>{_cpu(model.instance_type)}<enaSupport>true</enaSupport>"
        "<platformDetails>Linux/UNIX</platformDetails><usageOperation>RunInstances"
        "</usageOperation><currentInstanceBootMode>uefi</currentInstanceBootMode>"
        "<maintenanceOptions><autoRecovery>default</autoRecovery></maintenanceOptions>"
        "<capacityReservationSpecification><capacityReservationPreference>open"
        "</capacityReservationPreference></capacityReservationSpecification>"
        "<privateDnsNameOptions><hostnameType>ip-name</hostnameType>"
        "<enableResourceNameDnsARecord>false</enableResourceNameDnsARecord>"
        "<enableResourceNameDnsAAAARecord>false</enableResourceNameDnsAAAARecord>"
        "</privateDnsNameOptions>"
    )


@lru_cache(maxsize=4096)
def _cpu(instance_type: str) -> str:
    cores, threads = cpus(instance_type)
    return (
        f"<cpuOptions><coreCount>{cores}</coreCount><threadsPerCore>{threads}</threadsPerCore>"
        "</cpuOptions>"
    )
