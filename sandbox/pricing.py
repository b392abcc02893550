"""AWS's price list, as far as GetProducts tells the on-demand price of a type.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from sandbox.errors import AwsError, Reply
from sandbox.request import Call
from sandbox.validation import json_object
from spawn.aws.snapshot import snapshot_quote

_REGIONS = ("us-east-1", "eu-central-1", "ap-south-1")
"""Where the list can be asked for."""

_PLAIN = {
    "operatingSystem": "Linux",
    "preInstalledSw": "NA",
    "tenancy": "Shared",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
}


def answer(call: Call) -> Reply:
    """Answer a call of the price list. Raises `AwsError` for what the sandbox does not have."""
    if call.region not in _REGIONS:
        raise AwsError("UnrecognizedClientException", f"there is no price list in {call.region}")
    if call.action != "GetProducts":
        raise AwsError(
            "UnsupportedOperation", f"The sandbox does not have {call.service} {call.action}."
        )
    asked = json_object(call)
    wanted = {one.get("Field"): one.get("Value") for one in asked.get("Filters", [])}
    listed = _products(wanted) if asked.get("ServiceCode") == "AmazonEC2" else []
    body = msgspec.json.encode({"FormatVersion": "aws_v1", "PriceList": listed})
    return Reply(200, body, content_type="application/x-amz-json-1.1")


def _products(wanted: Mapping[Any, Any]) -> list[str]:
    name, region = str(wanted.get("instanceType", "")), str(wanted.get("regionCode", ""))
    quote = snapshot_quote(region, name)
    is_plain = all(wanted.get(field, value) == value for field, value in _PLAIN.items())
    if quote is None or not is_plain:
        return []
    sku = hashlib.sha256(f"{region}/{name}".encode()).hexdigest()[:16].upper()
    term, rate = f"{sku}.JRTCKXETXF", f"{sku}.JRTCKXETXF.6YS6EN2CT7"
    dimension = {
        "unit": "Hrs",
        "description": f"${quote.usd} per On Demand Linux {name} Instance Hour",
        "beginRange": "0",
        "endRange": "Inf",
        "rateCode": rate,
        "pricePerUnit": {"USD": f"{quote.usd:.10f}"},
    }
    product = {
        "product": {
            "productFamily": "Compute Instance",
            "sku": sku,
            "attributes": {**_PLAIN, "regionCode": region, "instanceType": name},
        },
        "serviceCode": "AmazonEC2",
        "terms": {"OnDemand": {term: {"sku": sku, "priceDimensions": {rate: dimension}}}},
    }
    return [msgspec.json.encode(product).decode()]
