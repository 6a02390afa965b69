"""confluent-kafka as a member of a group."""

import time

import confluent_kafka as kafka

import confluent_login
import line
from member import Arguments, Commands, Commits, produce, say

arguments = Arguments()
login = confluent_login.settings(line.Login())


def noted(error):
    """It goes on trying, and tells only this function why it fails."""
    if error.code() in (kafka.KafkaError._AUTHENTICATION, kafka.KafkaError._ALL_BROKERS_DOWN):
        say("trouble", error)


login["error_cb"] = noted
settings = login | {
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


def send():
    producer = kafka.Producer(login | {"bootstrap.servers": arguments.broker, "log_level": 0, "reconnect.backoff.max.ms": 200})

    def sent(error, message):
        say(*(("unsent", message.value().decode(), error) if error else ("sent", message.value().decode())))

    def one(value):
        producer.produce(arguments.topic, value, on_delivery=sent)
        producer.poll(0)

    return one, lambda: producer.flush(10)


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


finish = produce(commands, send)
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
finish()
consumer.close()
say("closed")
