"""What the metadata service shows of a machine, as a tree of texts: pure.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Union

from sandbox.machines.facts import Facts, Network, Profile

Tree = Mapping[str, Union[str, "Tree"]]

_IDENTITY_VERSION = "2017-09-30"


def meta_data(facts: Facts, tags: Mapping[str, str]) -> Tree:
    """Return the tree below `meta-data/`, without role credentials."""
    network = facts.network
    tree: dict[str, str | Tree] = {
        "ami-id": facts.image_id,
        "ami-launch-index": str(facts.launch_index),
        "ami-manifest-path": "(unknown)",
        "block-device-mapping": {"ami": "/dev/xvda", "root": "/dev/xvda"},
        "events": {"maintenance": {"history": "[]", "scheduled": "[]"}},
        "hostname": network.private_dns,
        "instance-action": "none",
        "instance-id": facts.instance_id,
        "instance-life-cycle": facts.market,
        "instance-type": facts.instance_type,
        "local-hostname": network.private_dns,
        "local-ipv4": network.private_ip,
        "mac": network.mac,
        "network": {"interfaces": {"macs": {network.mac: _interface(facts)}}},
        "placement": {
            "availability-zone": facts.zone,
            "availability-zone-id": facts.zone_id,
            "region": facts.region,
        },
        "profile": "default-hvm",
        "reservation-id": facts.reservation_id,
        "security-groups": "\n".join(network.group_names),
        "services": {"domain": "amazonaws.com", "partition": "aws"},
    }
    if network.public_ip:
        tree |= {"public-ipv4": network.public_ip, "public-hostname": network.public_dns}
    if facts.key_name:
        # Listed as `0=NAME`, and read by the number.
        tree["public-keys"] = {"0": {"openssh-key": facts.public_key}}
    if facts.profile is not None:
        roles: Tree = {facts.profile.role_name: ""}
        tree["iam"] = {"info": _iam_info(facts, facts.profile), "security-credentials": roles}
    if facts.access.shows_tags:
        tree["tags"] = {"instance": dict(tags)}
    return tree


def grown(tree: Tree, texts: Mapping[str, str]) -> Tree:
    """Return the tree with texts at their paths, in folders that are made where need be."""
    for path, text in texts.items():
        tree = _with(tree, path.split("/"), text)
    return tree


def _with(tree: Tree, path: Sequence[str], text: str) -> Tree:
    name, *rest = path
    if not rest:
        return {**tree, name: text}
    inner = tree.get(name, {})
    return {**tree, name: _with({} if isinstance(inner, str) else inner, rest, text)}


def identity_document(facts: Facts) -> str:
    """Return the instance identity document."""
    return json.dumps(
        {
            "accountId": facts.account,
            "architecture": facts.architecture,
            "availabilityZone": facts.zone,
            "billingProducts": None,
            "devpayProductCodes": None,
            "marketplaceProductCodes": None,
            "imageId": facts.image_id,
            "instanceId": facts.instance_id,
            "instanceType": facts.instance_type,
            "kernelId": None,
            "pendingTime": f"{facts.launched_at:%Y-%m-%dT%H:%M:%SZ}",
            "privateIp": facts.network.private_ip,
            "ramdiskId": None,
            "region": facts.region,
            "version": _IDENTITY_VERSION,
        },
        indent=2,
    )


def look_up(tree: Tree, path: str) -> str | None:
    """Return the text at a path, the list of a folder, or None where there is nothing."""
    found: str | Tree = tree
    for name in filter(None, path.split("/")):
        if isinstance(found, str) or name not in found:
            return None
        found = found[name]
    if isinstance(found, str):
        return None if path.endswith("/") else found
    return "\n".join(
        name if isinstance(inner, str) else f"{name}/" for name, inner in found.items()
    )


def _interface(facts: Facts) -> Tree:
    network = facts.network
    tree: dict[str, str | Tree] = {
        "device-number": "0",
        "interface-id": network.interface_id,
        "local-hostname": network.private_dns,
        "local-ipv4s": network.private_ip,
        "mac": network.mac,
        "owner-id": facts.account,
        "security-group-ids": "\n".join(network.group_ids),
        "security-groups": "\n".join(network.group_names),
        "subnet-id": network.subnet_id,
        "subnet-ipv4-cidr-block": network.subnet_cidr,
        "vpc-id": network.vpc_id,
        "vpc-ipv4-cidr-block": network.vpc_cidr,
        "vpc-ipv4-cidr-blocks": network.vpc_cidr,
    }
    return {**tree, **_public(network)}


def _public(network: Network) -> Tree:
    if not network.public_ip:
        return {}
    return {
        "ipv4-associations": {network.public_ip: network.private_ip},
        "public-hostname": network.public_dns,
        "public-ipv4s": network.public_ip,
    }


def _iam_info(facts: Facts, profile: Profile) -> str:
    return json.dumps(
        {
            "Code": "Success",
            "LastUpdated": f"{facts.launched_at:%Y-%m-%dT%H:%M:%SZ}",
            "InstanceProfileArn": profile.arn,
            "InstanceProfileId": profile.id,
        },
        indent=2,
    )
