"""Prints every event of Millrace's log in Kafka as one line of JSON.

Make the classes from the published schema first (README.md says how), then:

    python consume.py --brokers localhost:9092 [--prefix millrace.] [--group my-group] [--until-end]
"""

import argparse
import json
import struct
import sys
import zlib

from confluent_kafka import Consumer, KafkaError, KafkaException
from google.protobuf.json_format import MessageToDict

from millrace.v1 import record_pb2

HEADER = struct.Struct("<BBHII")  # version, flags, key id, count of events, CRC-32 of what follows


def decode(value: bytes) -> record_pb2.EventsRecord:
    version, _flags, key_id, count, crc = HEADER.unpack_from(value)
    if version != 1:
        raise ValueError(f"record of version {version}: this reader knows version 1")
    if key_id != 0:
        raise ValueError(f"record sealed with key {key_id}: this reader has no keys")
    body = value[HEADER.size :]
    if zlib.crc32(body) != crc:
        raise ValueError("checksum differs: the record is damaged")
    record = record_pb2.EventsRecord.FromString(body)
    if len(record.events) != count:
        raise ValueError(f"{len(record.events)} events, the header says {count}")
    return record


def rows(message) -> list[dict]:
    record = decode(message.value())
    return [
        {
            "project": record.project,
            "source": record.source,
            "partition": message.partition(),
            "offset": message.offset(),
            "index": index,
            **MessageToDict(event, preserving_proto_field_name=True),
        }
        for index, event in enumerate(record.events)
    ]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--brokers", required=True)
    arguments.add_argument("--prefix", default="millrace.", help="log.topicPrefix of Millrace")
    arguments.add_argument("--group", default="millrace-example", help="remembers how far it has read")
    arguments.add_argument("--until-end", action="store_true", help="end where the topic ends now")
    options = arguments.parse_args()

    consumer = Consumer(
        {
            "bootstrap.servers": options.brokers,
            "group.id": options.group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            # What a collector began and did not finish is not part of the log.
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    ended: set[int] = set()
    assigned: set[int] = set()

    def on_assign(_consumer, partitions) -> None:
        assigned.clear()
        assigned.update(each.partition for each in partitions)

    consumer.subscribe([f"{options.prefix}events"], on_assign=on_assign)
    try:
        while not (options.until_end and assigned and ended >= assigned):
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    ended.add(message.partition())
                    continue
                raise KafkaException(message.error())
            for row in rows(message):
                print(json.dumps(row, ensure_ascii=False))
            sys.stdout.flush()
            # After the rows are out: a crash in between prints them again, and never loses one.
            consumer.commit(message, asynchronous=False)
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main()
