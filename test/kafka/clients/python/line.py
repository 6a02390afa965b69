"""What the Python clients share: one request a line from stdin, answers on stdout (see ../README.md)."""

import json
import os
import sys


class Absent(Exception):
    """The library has no such function."""


class Login:
    """How to connect: CLIENT_LOGIN, as ../README.md describes. What is empty is not used."""

    def __init__(self):
        chosen = json.loads(os.environ.get("CLIENT_LOGIN", "{}"))
        self.mechanism, self.user, self.password, self.token = (
            chosen.get(name) for name in ("mechanism", "user", "password", "token")
        )
        self.token_file = chosen.get("tokenFile")
        self.ca, self.cert, self.key = (chosen.get(name) for name in ("ca", "cert", "key"))

    def current_token(self):
        """The token to log in with now."""
        if not self.token_file:
            return self.token
        with open(self.token_file) as file:
            return file.read()

    @property
    def protocol(self):
        return ("SASL_" if self.mechanism else "") + ("SSL" if self.ca else "PLAINTEXT")


class Record:
    """A record to produce: bytes or None, and headers as pairs."""

    def __init__(self, text):
        words = text.split("\t")
        self.partition, self.timestamp = int(words[0]), int(words[1])
        self.key, self.value = parse(words[2]), parse(words[3])
        pairs = [word.split("=") for word in words[4:]]
        self.headers = [(parse(name).decode(), parse(value)) for name, value in pairs]


def parse(text):
    return None if text == "-" else bytes.fromhex(text)


def show(value):
    return "-" if value is None else bytes(value).hex()


def say(*words):
    print(*words, sep="\t")


def ready():
    say("ready")
    sys.stdout.flush()


def found(partition, offset, timestamp, key, value, headers):
    pairs = [show(name.encode()) + "=" + show(content) for name, content in headers or []]
    say(partition, offset, timestamp, show(key), show(value), *pairs)


def perform(client, words):
    """Calls the client's function for one request, and prints what it returns."""
    name, *rest = words
    if name == "version":
        say(client.version)
    elif name == "create":
        client.create(rest[0], int(rest[1]), dict(word.split("=", 1) for word in rest[2:]))
    elif name == "partitions":
        say(client.partitions(rest[0]))
    elif name == "add-partitions":
        client.add_partitions(rest[0], int(rest[1]))
    elif name == "delete":
        client.delete(rest[0])
    elif name == "produce":
        records = [Record(sys.stdin.readline().rstrip("\n")) for _ in range(int(rest[4]))]
        for offset in client.produce(rest[0], rest[1], int(rest[2]), rest[3] == "true", records):
            say(offset)
    elif name == "consume":
        client.consume(rest[0], int(rest[1]), int(rest[2]), int(rest[3]))
    elif name == "offset":
        say(client.offset(rest[0], int(rest[1]), rest[2]))
    elif name == "configs":
        for config, value in client.configs(rest[0]).items():
            say(f"{config}={value}")
    elif name == "set-config":
        client.set_config(*rest)
    elif name == "delete-records":
        say(client.delete_records(rest[0], int(rest[1]), int(rest[2])))
    elif name == "brokers":
        for number, host, port in client.brokers():
            say(number, f"{host}:{port}")
    else:
        raise Absent


def serve(client):
    """Answers requests until stdin ends."""
    while text := sys.stdin.readline():
        try:
            perform(client, text.rstrip("\n").split("\t"))
            say(".ok")
        except Absent:
            say(".absent")
        except Exception as error:
            say(".error", client.code(error), repr(error).replace("\n", " ").replace("\t", " "))
        sys.stdout.flush()
