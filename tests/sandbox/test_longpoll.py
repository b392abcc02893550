from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3  # pyright: ignore[reportMissingTypeStubs]  types come with aioboto3's stubs only

from tests.fixtures.sandbox import RunningSandbox

SDK: Any = boto3


def test_a_waiting_poll_is_woken_by_a_message(cloud: RunningSandbox) -> None:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="woken")["QueueUrl"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(
            cloud.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20
        )
        sqs.send_message(QueueUrl=url, MessageBody="hello")
        assert waiting.result(timeout=10)["Messages"][0]["Body"] == "hello"


def test_many_waiting_polls_hold_nothing_up(cloud: RunningSandbox) -> None:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName="many")["QueueUrl"]
    with ThreadPoolExecutor(8) as pool:
        polls = [
            pool.submit(cloud.client("sqs").receive_message, QueueUrl=url, WaitTimeSeconds=20)
            for _ in range(8)
        ]
        assert cloud.client("ec2").describe_vpcs()["Vpcs"]
        for number in range(8):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))
        bodies = {poll.result(timeout=15)["Messages"][0]["Body"] for poll in polls}
    assert bodies == {str(number) for number in range(8)}
