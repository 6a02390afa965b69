"""confluent-kafka, which is librdkafka, behind the line protocol."""

import sys
import time

import confluent_kafka as kafka
from confluent_kafka import admin

import confluent_login
import line

SASL_AUTHENTICATION_FAILED = 58

# How long the reason of a failed login may come after the call that has timed out.
REASON_SECONDS = 10


class Client:
    version = f"{kafka.__version__} (librdkafka {kafka.libversion()[0]})"

    def __init__(self, broker):
        self.refused = None
        self.timeout = 15 if line.Login().protocol == "PLAINTEXT" else 3
        self.common = {"bootstrap.servers": broker, "log_level": 0, "topic.metadata.refresh.fast.interval.ms": 50}
        self.common |= confluent_login.settings(line.Login()) | {"error_cb": self.noted}
        self.admin = admin.AdminClient(self.common)

    def noted(self, error):
        """It tries to log in for ever, and tells only this function why it fails."""
        if error.code() == kafka.KafkaError._AUTHENTICATION:
            self.refused = error

    def code(self, error):
        first = error.args[0] if error.args else None
        is_late = isinstance(first, kafka.KafkaError) and first.code() == kafka.KafkaError._TIMED_OUT
        deadline = time.monotonic() + (REASON_SECONDS if is_late and line.Login().mechanism else 0)
        self.admin.poll(0)
        while not self.refused and time.monotonic() < deadline:
            self.admin.poll(0.1)
        if self.refused:
            return SASL_AUTHENTICATION_FAILED
        if not isinstance(first, kafka.KafkaError):
            return 0
        # It hides the broker's code behind one of its own.
        if first.code() == kafka.KafkaError._AUTO_OFFSET_RESET and "out of range" in first.str():
            return kafka.KafkaError.OFFSET_OUT_OF_RANGE
        return max(0, first.code())

    def create(self, topic, partitions, configs):
        new = admin.NewTopic(topic, partitions, config=configs)
        self.admin.create_topics([new], request_timeout=15)[topic].result()

    def partitions(self, topic):
        described = self.admin.describe_topics(kafka.TopicCollection([topic]), request_timeout=self.timeout)
        return len(described[topic].result().partitions)

    def add_partitions(self, topic, count):
        self.admin.create_partitions([admin.NewPartitions(topic, count)])[topic].result()

    def delete(self, topic):
        self.admin.delete_topics([topic], request_timeout=15)[topic].result()

    def produce(self, topic, codec, acks, idempotent, records):
        producer = kafka.Producer(
            self.common
            | {
                "compression.type": codec,
                "acks": acks,
                "enable.idempotence": idempotent,
                "linger.ms": 5,
                "message.timeout.ms": 8000,
                "message.max.bytes": 8 << 20,
                "allow.auto.create.topics": False,
                "topic.metadata.propagation.max.ms": 500,
            }
        )
        results = {}

        def delivered(number):
            return lambda error, message: results.__setitem__(number, error or message.offset())

        for number, record in enumerate(records):
            producer.produce(
                topic,
                partition=record.partition,
                timestamp=record.timestamp,
                key=record.key,
                value=record.value,
                headers=record.headers,
                on_delivery=delivered(number),
            )
        producer.flush(15)
        for result in results.values():
            if isinstance(result, kafka.KafkaError):
                raise kafka.KafkaException(result)
        return [] if acks == 0 else [results[number] for number in range(len(records))]

    def consumer(self):
        more = {"group.id": "unused", "auto.offset.reset": "error", "fetch.wait.max.ms": 100, "enable.auto.commit": False}
        return kafka.Consumer(self.common | more)

    def consume(self, topic, partition, offset, count):
        consumer = self.consumer()
        try:
            if offset < 0:
                _, offset = consumer.get_watermark_offsets(kafka.TopicPartition(topic, partition), timeout=15)
                line.ready()
            consumer.assign([kafka.TopicPartition(topic, partition, offset)])
            deadline = time.monotonic() + 20
            while count > 0:
                message = consumer.poll(0.5)
                if message is None:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{count} records are missing after 20 s")
                    continue
                if message.error():
                    raise kafka.KafkaException(message.error())
                _, timestamp = message.timestamp()
                line.found(partition, message.offset(), timestamp, message.key(), message.value(), message.headers())
                count -= 1
        finally:
            consumer.close()

    def offset(self, topic, partition, at):
        specs = {"earliest": admin.OffsetSpec.earliest(), "latest": admin.OffsetSpec.latest(), "max": admin.OffsetSpec.max_timestamp()}
        spec = specs.get(at) or admin.OffsetSpec.for_timestamp(int(at))
        [future] = self.admin.list_offsets({kafka.TopicPartition(topic, partition): spec}, request_timeout=15).values()
        return future.result().offset

    def configs(self, topic):
        [future] = self.admin.describe_configs([admin.ConfigResource("topic", topic)]).values()
        return {name: entry.value for name, entry in future.result().items()}

    def set_config(self, topic, name, value):
        change = admin.ConfigEntry(name, value, incremental_operation=admin.AlterConfigOpType.SET)
        resource = admin.ConfigResource("topic", topic, incremental_configs=[change])
        [future] = self.admin.incremental_alter_configs([resource]).values()
        future.result()

    def delete_records(self, topic, partition, offset):
        [future] = self.admin.delete_records([kafka.TopicPartition(topic, partition, offset)]).values()
        return future.result().low_watermark

    def brokers(self):
        nodes = self.admin.describe_cluster(request_timeout=15).result().nodes
        return [(node.id, node.host, node.port) for node in nodes]


line.serve(Client(sys.argv[1]))
