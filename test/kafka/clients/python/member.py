"""What the members of groups in Python share: see ../README.md, "Members of groups"."""

import os
import sys
import threading
import time


SAYING = threading.Lock()


class Arguments:
    def __init__(self):
        self.broker, self.group, self.topic, self.protocol, session_ms, max_poll_ms, heartbeat_ms, self.client_id = sys.argv[1:]
        self.session_ms = int(session_ms)
        self.max_poll_ms = int(max_poll_ms)
        self.heartbeat_ms = int(heartbeat_ms)


def say(*words):
    line = "\t".join([str(int(time.time() * 1000)), *(str(word).replace("\n", " ") for word in words)])
    # In one piece: several threads say something.
    with SAYING:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Commands:
    """Reads requests from stdin; its end is a stop."""

    def __init__(self):
        self.stops = False
        self._pause_ms = 0
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for text in sys.stdin:
            if not text.startswith("pause "):
                break
            self._pause_ms = int(text[6:])
        self.stops = True

    def take_pause(self):
        """The seconds to pause, once."""
        ms, self._pause_ms = self._pause_ms, 0
        return ms / 1000


def produce(commands, open_producer):
    """Sends a record every 50 ms if MEMBER_PRODUCES is set, until the member stops. Returns what to call at the end."""
    prefix = os.environ.get("MEMBER_PRODUCES")
    if not prefix:
        return lambda: None

    def run():
        send, flush = open_producer()
        number = 0
        while not commands.stops:
            send(f"{prefix}{number}")
            number += 1
            time.sleep(0.05)
        flush()

    thread = threading.Thread(target=run)
    thread.start()
    return thread.join


class Commits:
    """Processed records, to be committed."""

    def __init__(self, commit):
        self.offsets = {}
        self._commit = commit

    def processed(self, partition, offset, value):
        say("got", partition, offset, value.decode())
        self.offsets[partition] = offset + 1

    def run(self):
        if not self.offsets:
            return
        words = [f"{partition}={offset}" for partition, offset in self.offsets.items()]
        say("committing", *words)
        try:
            self._commit(self.offsets)
        except Exception as error:
            say("refused", repr(error))
        else:
            say("committed", *words)
            self.offsets = {}

    def drop(self, partitions):
        for partition in partitions:
            self.offsets.pop(partition, None)
