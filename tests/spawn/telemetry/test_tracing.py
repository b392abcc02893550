from opentelemetry import trace

from spawn.telemetry import tracing

PARENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}


def test_a_trace_goes_on_where_the_headers_say() -> None:
    tracing.configure("tester")
    with tracing.span("outer", carrier=PARENT) as outer:
        sent = tracing.inject({"ce-id": "1"})
    assert sent["ce-id"] == "1"
    assert sent["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    assert sent["traceparent"].split("-")[2] == f"{outer.get_span_context().span_id:016x}"


def test_without_a_trace_nothing_is_sent() -> None:
    assert tracing.inject({}) == {}


def test_hostile_headers_begin_a_trace_of_our_own() -> None:
    tracing.configure("tester")
    with tracing.span("outer", carrier={"traceparent": "\ufffd-ff"}) as outer:
        assert outer.get_span_context().is_valid
    assert not trace.get_current_span().get_span_context().is_valid
