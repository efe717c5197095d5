"""Whether a worker takes the application's tasks, as the server sees it: `python -m stack.health [TASK_QUEUE]`.

Ends with 0 when one does, 1 when none does or the server cannot be asked. Workers do not name their host, so of several
workers on one task queue a single one that hangs is not seen. Reads the standard TEMPORAL_* variables.
"""

import asyncio
import sys
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from workflows.attributes import TASK_QUEUE
from workflows.connection import connect

RECENTLY = timedelta(minutes=2)
"""A healthy worker asks again within a minute, the length of one long poll."""


async def takes_tasks(client: Client, task_queue: str) -> bool:
    """Whether a worker has polled for workflow tasks of late."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        ),
        timeout=timedelta(seconds=10),
    )
    since = datetime.now(UTC) - RECENTLY
    return any(poller.last_access_time.ToDatetime(tzinfo=UTC) > since for poller in answer.pollers)


async def main(task_queue: str = TASK_QUEUE) -> int:
    """The exit code."""
    try:
        return 0 if await takes_tasks(await connect("tousu-health"), task_queue) else 1
    except (RPCError, RuntimeError) as error:
        print(f"cannot ask the server: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main(*sys.argv[1:2])))
