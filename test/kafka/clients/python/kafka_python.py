"""kafka-python behind the line protocol."""

import re
import sys
import time

import kafka
from kafka.admin import ConfigResource, OffsetSpec
from kafka.net.sasl.oauth import AbstractTokenProvider
from kafka.structs import TopicPartition

import line


class TokenProvider(AbstractTokenProvider):
    def __init__(self, token):
        self.known = token

    def token(self):
        return self.known


def security(login):
    """How to connect and to log in, as the documentation of kafka-python says."""
    settings = {
        "security_protocol": login.protocol,
        "sasl_mechanism": login.mechanism,
        "sasl_plain_username": login.user,
        "sasl_plain_password": login.password,
        "sasl_oauth_token_provider": login.token and TokenProvider(login.token),
        "ssl_cafile": login.ca,
        "ssl_certfile": login.cert,
        "ssl_keyfile": login.key,
    }
    return {name: value for name, value in settings.items() if value}


class Client:
    version = kafka.__version__

    def __init__(self, broker):
        login = line.Login()
        self.common = {"bootstrap_servers": broker} | security(login)
        # It tries to log in until its time is over, by default for 30 s.
        if login.protocol != "PLAINTEXT":
            self.common |= {"bootstrap_timeout_ms": 5000, "request_timeout_ms": 5000}
        self.admin = kafka.KafkaAdminClient(**self.common)

    @staticmethod
    def code(error):
        return max(0, getattr(error, "errno", 0) or 0)

    def create(self, topic, partitions, configs):
        self.admin.create_topics({topic: {"num_partitions": partitions, "configs": configs}})

    def partitions(self, topic):
        [described] = self.admin.describe_topics([topic])
        if described["error_code"]:
            raise kafka.errors.for_code(described["error_code"])
        return len(described["partitions"])

    def add_partitions(self, topic, count):
        self.admin.create_partitions({topic: count})

    def delete(self, topic):
        self.admin.delete_topics([topic])

    def produce(self, topic, codec, acks, idempotent, records):
        producer = kafka.KafkaProducer(
            **self.common,
            compression_type=None if codec == "none" else codec,
            acks=acks,
            enable_idempotence=idempotent,
            linger_ms=5,
            max_block_ms=3000,
            max_request_size=8 << 20,
            retries=1,
        )
        try:
            sent = [
                producer.send(topic, record.value, record.key, record.headers, record.partition, record.timestamp)
                for record in records
            ]
            producer.flush(15)
            offsets = [future.get(15).offset for future in sent]
            return [] if acks == 0 else offsets
        finally:
            producer.close(5)

    def consumer(self):
        return kafka.KafkaConsumer(
            **self.common, auto_offset_reset="none", enable_auto_commit=False, fetch_max_wait_ms=100
        )

    def consume(self, topic, partition, offset, count):
        consumer = self.consumer()
        try:
            assigned = TopicPartition(topic, partition)
            consumer.assign([assigned])
            if offset < 0:
                consumer.seek_to_end(assigned)
                consumer.position(assigned)
                line.ready()
            else:
                consumer.seek(assigned, offset)
            deadline = time.monotonic() + 20
            while count > 0:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"{count} records are missing after 20 s")
                for record in consumer.poll(500, max_records=count).get(assigned, []):
                    line.found(partition, record.offset, record.timestamp, record.key, record.value, record.headers)
                    count -= 1
        finally:
            consumer.close()

    def offset(self, topic, partition, at):
        specs = {"earliest": OffsetSpec.EARLIEST, "latest": OffsetSpec.LATEST, "max": OffsetSpec.MAX_TIMESTAMP}
        asked = TopicPartition(topic, partition)
        return self.admin.list_partition_offsets({asked: specs[at] if at in specs else int(at)})[asked].offset

    def configs(self, topic):
        described = self.admin.describe_configs([ConfigResource("topic", topic)], config_filter="all")
        return {name: config["value"] for name, config in described["topic"][topic].items()}

    def set_config(self, topic, name, value):
        resource = ConfigResource("topic", topic, {name: value})
        # It returns errors as text: "[Error 40] InvalidConfigurationError: ...".
        result = self.admin.alter_configs([resource], raise_on_unknown=False)["topic"][topic]
        if result != "OK":
            raise kafka.errors.for_code(int(re.search(r"\[Error (\d+)\]", result)[1]))(result)

    def delete_records(self, topic, partition, offset):
        asked = TopicPartition(topic, partition)
        return self.admin.delete_records({asked: offset})[asked]["low_watermark"]

    def brokers(self):
        return [(node["broker_id"], node["host"], node["port"]) for node in self.admin.describe_cluster()["brokers"]]


line.serve(Client(sys.argv[1]))
