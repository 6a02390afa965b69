"""aiokafka behind the line protocol."""

import asyncio
import logging
import sys

import aiokafka
from aiokafka import TopicPartition, admin, errors
from aiokafka.abc import AbstractTokenProvider
from aiokafka.helpers import create_ssl_context

import line

SASL_AUTHENTICATION_FAILED = 58


class TokenProvider(AbstractTokenProvider):
    def __init__(self, token):
        self.known = token

    async def token(self):
        return self.known


def security(login):
    """How to connect and to log in, as the documentation of aiokafka says."""
    settings = {
        "security_protocol": login.protocol,
        "sasl_mechanism": login.mechanism,
        "sasl_plain_username": login.user,
        "sasl_plain_password": login.password,
        "sasl_oauth_token_provider": login.token and TokenProvider(login.token),
        "ssl_context": login.ca and create_ssl_context(cafile=login.ca, certfile=login.cert, keyfile=login.key),
    }
    return {name: value for name, value in settings.items() if value}


class Refusals(logging.Handler):
    """Why logins have failed. That is only in its log: its calls raise that there is no connection.

    It has no error of its own for that, so the broker's message tells.
    """

    def __init__(self):
        super().__init__(logging.ERROR)
        self.last = None

    def emit(self, record):
        for error in record.args or ():
            if isinstance(error, errors.KafkaError) and "authentication failed" in str(error).lower():
                self.last = error


class Client:
    version = aiokafka.__version__

    def __init__(self, broker):
        self.common = {"bootstrap_servers": broker} | security(line.Login())
        self.refusals = Refusals()
        logging.getLogger("aiokafka").addHandler(self.refusals)
        self.loop = asyncio.new_event_loop()
        try:
            self.admin = self.loop.run_until_complete(self.start(lambda: admin.AIOKafkaAdminClient(**self.common)))
        except errors.KafkaConnectionError as error:
            raise self.refusals.last or error

    @staticmethod
    async def start(make):
        made = make()
        await made.start()
        return made

    def run(self, coroutine):
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 20))

    def code(self, error):
        if self.refusals.last and isinstance(error, errors.NodeNotReadyError | errors.KafkaConnectionError):
            return SASL_AUTHENTICATION_FAILED
        return max(0, getattr(error, "errno", 0) or 0)

    @staticmethod
    def check(code, message=""):
        if code:
            raise errors.for_code(code)(message)

    def create(self, topic, partitions, configs):
        new = admin.NewTopic(topic, partitions, 1, topic_configs=configs)
        for _, code, message in self.run(self.admin.create_topics([new])).topic_errors:
            self.check(code, message)

    def partitions(self, topic):
        # Asking for a topic by name would create it.
        if topic not in self.run(self.admin.list_topics()):
            raise errors.UnknownTopicOrPartitionError
        [described] = self.run(self.admin.describe_topics([topic]))
        self.check(described["error_code"])
        return len(described["partitions"])

    def add_partitions(self, topic, count):
        response = self.run(self.admin.create_partitions({topic: admin.NewPartitions(count)}))
        for _, code, message in response.topic_errors:
            self.check(code, message)

    def delete(self, topic):
        for _, code in self.run(self.admin.delete_topics([topic])).topic_error_codes:
            self.check(code)

    def produce(self, topic, codec, acks, idempotent, records):
        return self.run(self.produce_all(topic, codec, acks, idempotent, records))

    async def produce_all(self, topic, codec, acks, idempotent, records):
        producer = await self.start(
            lambda: aiokafka.AIOKafkaProducer(
                **self.common,
                compression_type=None if codec == "none" else codec,
                acks=acks,
                enable_idempotence=idempotent,
                linger_ms=5,
                max_request_size=8 << 20,
                request_timeout_ms=3000,
            )
        )
        try:
            sent = [
                await producer.send(
                    topic,
                    record.value,
                    record.key,
                    record.partition,
                    record.timestamp,
                    record.headers,
                )
                for record in records
            ]
            results = [await future for future in sent]
            return [] if acks == 0 else [result.offset for result in results]
        finally:
            await producer.stop()

    def consume(self, topic, partition, offset, count):
        self.run(self.consume_all(TopicPartition(topic, partition), offset, count))

    def consumer(self):
        return self.start(
            lambda: aiokafka.AIOKafkaConsumer(
                **self.common, auto_offset_reset="none", enable_auto_commit=False, fetch_max_wait_ms=100
            )
        )

    async def consume_all(self, assigned, offset, count):
        consumer = await self.consumer()
        try:
            consumer.assign([assigned])
            if offset < 0:
                await consumer.seek_to_end(assigned)
                await consumer.position(assigned)
                line.ready()
            else:
                consumer.seek(assigned, offset)
            for _ in range(count):
                record = await consumer.getone(assigned)
                line.found(record.partition, record.offset, record.timestamp, record.key, record.value, record.headers)
        finally:
            await consumer.stop()

    def offset(self, topic, partition, at):
        if at == "max":
            raise line.Absent
        return self.run(self.look_up(TopicPartition(topic, partition), at))

    async def look_up(self, asked, at):
        consumer = await self.consumer()
        try:
            if at == "earliest":
                return (await consumer.beginning_offsets([asked]))[asked]
            if at == "latest":
                return (await consumer.end_offsets([asked]))[asked]
            found = (await consumer.offsets_for_times({asked: int(at)}))[asked]
            return -1 if found is None else found.offset
        finally:
            await consumer.stop()

    def configs(self, topic):
        resource = admin.config_resource.ConfigResource(admin.config_resource.ConfigResourceType.TOPIC, topic)
        [response] = self.run(self.admin.describe_configs([resource]))
        [(code, message, _, _, entries)] = response.resources
        self.check(code, message)
        return {entry[0]: entry[1] for entry in entries}

    def set_config(self, topic, name, value):
        kind = admin.config_resource.ConfigResourceType.TOPIC
        [response] = self.run(self.admin.alter_configs([admin.config_resource.ConfigResource(kind, topic, {name: value})]))
        for code, message, *_ in response.resources:
            self.check(code, message)

    def delete_records(self, topic, partition, offset):
        asked = TopicPartition(topic, partition)
        return self.run(self.admin.delete_records({asked: admin.RecordsToDelete(offset)}))[asked]

    def brokers(self):
        described = self.run(self.admin.describe_cluster())
        return [(node["node_id"], node["host"], node["port"]) for node in described["brokers"]]


line.serve(Client(sys.argv[1]))
