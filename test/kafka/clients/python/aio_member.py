"""aiokafka as a member of a group."""

import asyncio
import logging

import aiokafka
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from member import Arguments, Commands, Commits, say

arguments = Arguments()
logging.disable(logging.CRITICAL)


class Listener(aiokafka.ConsumerRebalanceListener):
    def __init__(self, commit):
        self.commit = commit

    async def on_partitions_revoked(self, revoked):
        await self.commit()
        say("revoked", *(one.partition for one in revoked))

    async def on_partitions_assigned(self, assigned):
        say("assigned", *(one.partition for one in assigned))


async def main():
    consumer = aiokafka.AIOKafkaConsumer(
        bootstrap_servers=arguments.broker,
        group_id=arguments.group,
        client_id=arguments.client_id,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=arguments.session_ms,
        heartbeat_interval_ms=arguments.heartbeat_ms,
        max_poll_interval_ms=arguments.max_poll_ms,
        partition_assignment_strategy=[RoundRobinPartitionAssignor],
    )
    commits = Commits(None)
    commands = Commands()

    async def commit():
        offsets, commits.offsets = commits.offsets, {}
        if not offsets:
            return
        words = [f"{partition}={offset}" for partition, offset in offsets.items()]
        say("committing", *words)
        try:
            await consumer.commit({aiokafka.TopicPartition(arguments.topic, partition): offset for partition, offset in offsets.items()})
            say("committed", *words)
        except Exception as error:
            say("refused", repr(error))

    consumer.subscribe([arguments.topic], listener=Listener(commit))
    await consumer.start()
    while not commands.stops:
        try:
            for records in (await consumer.getmany(timeout_ms=100, max_records=50)).values():
                for record in records:
                    commits.processed(record.partition, record.offset, record.value)
        except Exception as error:
            say("error", repr(error))
        if pause := commands.take_pause():
            await asyncio.sleep(pause)
        await commit()
    await consumer.stop()
    say("closed")


asyncio.run(main())
