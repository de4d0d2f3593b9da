"""The part of librdkafka's C interface that a tour needs, by ctypes: old releases have no wheel for this Python.

The library is the file that `LIBRDKAFKA` names. Structures and names are those of its header `rdkafka.h`; they have
not changed since 0.11.
"""

import contextlib
import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_void_p

LIBRARY = ctypes.CDLL(os.environ["LIBRDKAFKA"])

CONSUMER = 1
OFFSET_BEGINNING = -2
OFFSET_INVALID = -1001
PARTITION_EOF = -191
SYNCHRONOUS = 0
TIMEOUT_MS = 20_000


class Message(ctypes.Structure):
    """`rd_kafka_message_t`."""

    _fields_ = [("err", c_int), ("rkt", c_void_p), ("partition", c_int32), ("payload", c_void_p), ("len", c_size_t),
                ("key", c_void_p), ("key_len", c_size_t), ("offset", c_int64), ("private", c_void_p)]


class Partition(ctypes.Structure):
    """`rd_kafka_topic_partition_t`."""

    _fields_ = [("topic", c_char_p), ("partition", c_int32), ("offset", c_int64), ("metadata", c_void_p),
                ("metadata_size", c_size_t), ("opaque", c_void_p), ("err", c_int), ("private", c_void_p)]


class Partitions(ctypes.Structure):
    """`rd_kafka_topic_partition_list_t`."""

    _fields_ = [("cnt", c_int), ("size", c_int), ("elems", POINTER(Partition))]


class Error(Exception):
    """What the library answered where it should have done something."""


def function(name, answer, *arguments):
    """One function of the library."""
    found = getattr(LIBRARY, f"rd_kafka_{name}")
    found.restype, found.argtypes = answer, list(arguments)
    return found


conf_new = function("conf_new", c_void_p)
conf_set = function("conf_set", c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_size_t)
new = function("new", c_void_p, c_int, c_void_p, c_char_p, c_size_t)
destroy = function("destroy", None, c_void_p)
err2str = function("err2str", c_char_p, c_int)
version_str = function("version_str", c_char_p)
poll_set_consumer = function("poll_set_consumer", c_int, c_void_p)
list_new = function("topic_partition_list_new", POINTER(Partitions), c_int)
list_add = function("topic_partition_list_add", POINTER(Partition), POINTER(Partitions), c_char_p, c_int32)
list_destroy = function("topic_partition_list_destroy", None, POINTER(Partitions))
assign = function("assign", c_int, c_void_p, POINTER(Partitions))
assignment = function("assignment", c_int, c_void_p, POINTER(POINTER(Partitions)))
subscribe = function("subscribe", c_int, c_void_p, POINTER(Partitions))
consumer_poll = function("consumer_poll", POINTER(Message), c_void_p, c_int)
consumer_close = function("consumer_close", c_int, c_void_p)
message_destroy = function("message_destroy", None, POINTER(Message))
message_timestamp = function("message_timestamp", c_int64, POINTER(Message), POINTER(c_int))
watermarks = function("query_watermark_offsets", c_int, c_void_p, c_char_p, c_int32, POINTER(c_int64), POINTER(c_int64),
                      c_int)
offsets_for_times = function("offsets_for_times", c_int, c_void_p, POINTER(Partitions), c_int)
topic_new = function("topic_new", c_void_p, c_void_p, c_char_p, c_void_p)
topic_destroy = function("topic_destroy", None, c_void_p)
seek = function("seek", c_int, c_void_p, c_int32, c_int64, c_int)
pause = function("pause_partitions", c_int, c_void_p, POINTER(Partitions))
resume = function("resume_partitions", c_int, c_void_p, POINTER(Partitions))
commit = function("commit", c_int, c_void_p, POINTER(Partitions), c_int)
committed = function("committed", c_int, c_void_p, POINTER(Partitions), c_int)

# The library frees the metadata that it is given, with the allocator of C.
strdup = ctypes.CDLL(None).strdup
strdup.restype, strdup.argtypes = c_void_p, [c_char_p]


def check(error):
    """Lets success through."""
    if error:
        raise Error(f"{err2str(error).decode()} ({error})")


class Consumer:
    """A consumer of partition 0 of one topic."""

    def __init__(self, topic, settings):
        self.topic = topic.encode()
        said = ctypes.create_string_buffer(512)
        configuration = conf_new()
        for name, value in settings.items():
            if conf_set(configuration, name.encode(), value.encode(), said, len(said)):
                raise Error(said.value.decode())
        self.handle = new(CONSUMER, configuration, said, len(said))
        if not self.handle:
            raise Error(said.value.decode())
        check(poll_set_consumer(self.handle))

    @contextlib.contextmanager
    def at(self, offset=OFFSET_INVALID, metadata=b""):
        """The partition in a list, as most calls take it; a client with lists that live does not end."""
        found = list_new(1)
        partition = list_add(found, self.topic, 0).contents
        partition.offset = offset
        if metadata:
            partition.metadata, partition.metadata_size = strdup(metadata), len(metadata)
        yield found
        list_destroy(found)

    def assign(self, offset):
        """Takes the partition without a membership."""
        with self.at(offset) as partition:
            check(assign(self.handle, partition))

    def subscribe(self):
        """Joins the group."""
        with self.at() as partition:
            check(subscribe(self.handle, partition))

    def assigned(self):
        """The partitions that it has."""
        found = POINTER(Partitions)()
        check(assignment(self.handle, byref(found)))
        partitions = [found.contents.elems[index].partition for index in range(found.contents.cnt)]
        list_destroy(found)
        return partitions

    def poll(self, timeout_ms=500):
        """The next record as (offset, timestamp, key, value), or None."""
        message = consumer_poll(self.handle, timeout_ms)
        if not message:
            return None
        one, kind = message.contents, c_int()
        try:
            if one.err == PARTITION_EOF:
                return None
            check(one.err)
            key = ctypes.string_at(one.key, one.key_len) if one.key else None
            value = ctypes.string_at(one.payload, one.len) if one.payload else None
            return one.offset, message_timestamp(message, byref(kind)), key, value
        finally:
            message_destroy(message)

    def range(self):
        """Beginning and end."""
        low, high = c_int64(), c_int64()
        check(watermarks(self.handle, self.topic, 0, byref(low), byref(high), TIMEOUT_MS))
        return low.value, high.value

    def offset_for(self, time):
        """The first offset at or after a time."""
        with self.at(time) as partition:
            check(offsets_for_times(self.handle, partition, TIMEOUT_MS))
            return partition.contents.elems[0].offset

    def seek(self, offset):
        """Goes on elsewhere."""
        topic = topic_new(self.handle, self.topic, None)
        check(seek(topic, 0, offset, TIMEOUT_MS))
        topic_destroy(topic)

    def pause(self):
        """Polls give nothing from now on."""
        with self.at() as partition:
            check(pause(self.handle, partition))

    def resume(self):
        """Polls give records again."""
        with self.at() as partition:
            check(resume(self.handle, partition))

    def commit(self, offset, metadata=b""):
        """Commits, and waits for the answer."""
        with self.at(offset, metadata) as partition:
            check(commit(self.handle, partition, SYNCHRONOUS))

    def committed(self):
        """What is committed: offset and metadata."""
        with self.at() as partition:
            check(committed(self.handle, partition, TIMEOUT_MS))
            found = partition.contents.elems[0]
            metadata = ctypes.string_at(found.metadata, found.metadata_size) if found.metadata else b""
            return found.offset, metadata

    def close(self):
        """Leaves the group and ends."""
        check(consumer_close(self.handle))
        destroy(self.handle)
