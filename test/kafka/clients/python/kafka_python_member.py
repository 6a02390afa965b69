"""kafka-python as a member of a group."""

import time

import kafka
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor

from member import Arguments, Commands, Commits, say

arguments = Arguments()
consumer = kafka.KafkaConsumer(
    bootstrap_servers=arguments.broker,
    group_id=arguments.group,
    client_id=arguments.client_id,
    enable_auto_commit=False,
    auto_offset_reset="earliest",
    session_timeout_ms=arguments.session_ms,
    heartbeat_interval_ms=arguments.heartbeat_ms,
    max_poll_interval_ms=arguments.max_poll_ms,
    max_poll_records=50,
    reconnect_backoff_max_ms=200,
    partition_assignment_strategy=[RoundRobinPartitionAssignor],
)


def commit(offsets):
    consumer.commit({kafka.TopicPartition(arguments.topic, partition): kafka.OffsetAndMetadata(offset, "", -1) for partition, offset in offsets.items()})


commits = Commits(commit)
commands = Commands()


class Listener(kafka.ConsumerRebalanceListener):
    def on_partitions_revoked(self, revoked):
        commits.run()
        commits.drop([one.partition for one in revoked])
        say("revoked", *(one.partition for one in revoked))

    def on_partitions_assigned(self, assigned):
        say("assigned", *(one.partition for one in assigned))

    def on_partitions_lost(self, lost):
        commits.drop([one.partition for one in lost])
        say("lost", *(one.partition for one in lost))


consumer.subscribe([arguments.topic], listener=Listener())
while not commands.stops:
    try:
        for records in consumer.poll(100).values():
            for record in records:
                commits.processed(record.partition, record.offset, record.value)
    except Exception as error:
        say("error", repr(error))
    if pause := commands.take_pause():
        time.sleep(pause)
    commits.run()
consumer.close()
say("closed")
