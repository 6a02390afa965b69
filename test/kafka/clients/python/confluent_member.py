"""confluent-kafka as a member of a group."""

import time

import confluent_kafka as kafka

from member import Arguments, Commands, Commits, say

arguments = Arguments()
settings = {
    "bootstrap.servers": arguments.broker,
    "group.id": arguments.group,
    "group.protocol": arguments.protocol,
    "client.id": arguments.client_id,
    "log_level": 0,
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "max.poll.interval.ms": arguments.max_poll_ms,
    "reconnect.backoff.max.ms": 200,
    "topic.metadata.refresh.fast.interval.ms": 50,
}
if arguments.protocol == "classic":
    settings |= {
        "session.timeout.ms": arguments.session_ms,
        "heartbeat.interval.ms": arguments.heartbeat_ms,
        "partition.assignment.strategy": "roundrobin",
    }
consumer = kafka.Consumer(settings)


def commit(offsets):
    partitions = [kafka.TopicPartition(arguments.topic, *one) for one in offsets.items()]
    for one in consumer.commit(offsets=partitions, asynchronous=False):
        if one.error is not None:
            raise kafka.KafkaException(one.error)


commits = Commits(commit)
commands = Commands()


def assigned(_, partitions):
    say("assigned", *(one.partition for one in partitions))


def revoked(_, partitions):
    commits.run()
    commits.drop([one.partition for one in partitions])
    say("revoked", *(one.partition for one in partitions))


def lost(_, partitions):
    commits.drop([one.partition for one in partitions])
    say("lost", *(one.partition for one in partitions))


consumer.subscribe([arguments.topic], on_assign=assigned, on_revoke=revoked, on_lost=lost)
while not commands.stops:
    for message in consumer.consume(50, 0.1):
        if message.error() is None:
            commits.processed(message.partition(), message.offset(), message.value())
        else:
            say("error", message.error())
    if pause := commands.take_pause():
        time.sleep(pause)
    commits.run()
consumer.close()
say("closed")
