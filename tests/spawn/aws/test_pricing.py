import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spawn.aws.pricing import price_of
from spawn.aws.snapshot import snapshot_quote
from spawn.contracts.prices import PriceSource


def a_product(unit: str = "Hrs", **prices: str) -> str:
    dimension = {"unit": unit, "pricePerUnit": prices or {"USD": "1.0060000000"}}
    term = {"priceDimensions": {"A.B.C": dimension}, "sku": "A"}
    reserved = {
        "A.R": {"priceDimensions": {"A.R.C": {"unit": "Hrs", "pricePerUnit": {"USD": "1"}}}}
    }
    return json.dumps(
        {"product": {"sku": "A"}, "terms": {"OnDemand": {"A.B": term}, "Reserved": reserved}}
    )


def test_the_price_is_the_hour_s_on_demand() -> None:
    assert price_of(a_product()) == 1.006


@pytest.mark.parametrize(
    "product",
    [
        pytest.param(a_product(USD="0.0000000000"), id="nothing is no price"),
        pytest.param(a_product(CNY="7.1"), id="another currency"),
        pytest.param(a_product(unit="Quantity"), id="not by the hour"),
        pytest.param(a_product(USD="a lot"), id="no number"),
        pytest.param('{"terms": {"Reserved": {}}}', id="only reserved"),
        pytest.param("{}", id="no terms"),
        pytest.param('{"terms": {"OnDemand": [1]}}', id="of another shape"),
        pytest.param("<html>", id="no JSON"),
    ],
)
def test_what_is_no_price(product: str) -> None:
    assert price_of(product) is None


@given(st.recursive(st.none() | st.floats() | st.text(), lambda x: st.dictionaries(st.text(), x)))
def test_anything_is_a_price_or_none(content: Any) -> None:
    assert price_of(json.dumps({"terms": content})) is None


def test_the_release_has_prices_of_one_region_with_their_date() -> None:
    quote = snapshot_quote("us-east-1", "g5.xlarge")
    assert quote is not None
    assert (quote.usd, quote.source) == (1.006, PriceSource.SNAPSHOT)
    assert quote.as_of.tzinfo is not None
    assert snapshot_quote("us-east-1", "g5.gigantic") is None
    assert snapshot_quote("us-east-1", "none") is None
    assert snapshot_quote("eu-west-1", "g5.xlarge") is None
