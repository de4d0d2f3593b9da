"""The tour of kcat: each step is a command as a person types it."""

import base64
import json
import os
import subprocess

BROKER = os.environ["WELLHEAD_BROKER"]
TOPIC = os.environ["WELLHEAD_TOPIC"]
GROUP = os.environ["WELLHEAD_GROUP"]
SECOND = os.environ["WELLHEAD_SECOND"]
COUNT = int(os.environ["WELLHEAD_COUNT"])
LOGIN = ["-X", "security.protocol=SASL_PLAINTEXT", "-X", "sasl.mechanism=PLAIN",
         "-X", f"sasl.username={os.environ['WELLHEAD_USER']}", "-X", f"sasl.password={os.environ['WELLHEAD_PASSWORD']}"]


def say(event, **fields):
    """One line of JSON."""
    print(json.dumps({"event": event, **fields}), flush=True)


def kcat(*arguments):
    """Runs it to its end; answers what it printed and what it said beside."""
    done = subprocess.run(["kcat", "-b", BROKER, *LOGIN, *map(str, arguments)], capture_output=True, timeout=120)
    if done.returncode:
        raise SystemExit(done.stderr.decode())
    return done.stdout, done.stderr.decode()


def read(step, count, *arguments):
    """Reads so many records and says them; answers what it said beside."""
    printed, beside = kcat("-u", "-c", count, "-f", "%o %T %K %S\n%k%s\n", *arguments)
    while printed:
        numbers, _, printed = printed.partition(b"\n")
        offset, timestamp, key_size, size = map(int, numbers.split())
        key, printed = (None, printed) if key_size < 0 else (printed[:key_size], printed[key_size:])
        say("record", step=step, offset=offset, timestamp=timestamp,
            key=None if key is None else base64.b64encode(key).decode(), value=base64.b64encode(printed[:size]).decode())
        printed = printed[size + 1 :]
    return beside


def offset_for(time):
    """The first offset at or after a time; -2 is the beginning and -1 the end."""
    return int(kcat("-Q", "-t", f"{TOPIC}:0:{time}")[0].split()[-1])


read("assign", COUNT, "-C", "-t", TOPIC, "-p", 0, "-o", "beginning")
say("range", beginning=offset_for(-2), end=offset_for(-1))
found = offset_for(SECOND)
say("time", offset=found)
read("seek", 1, "-C", "-t", TOPIC, "-p", 0, "-o", found)
for step in ("pause", "commit", "committed", "uncommitted", "metadata"):
    say("cannot", step=step)
beside = read("subscribe", COUNT, "-X", "auto.offset.reset=earliest", "-G", GROUP, TOPIC)
say("assigned", partitions=[0] if f"assigned: {TOPIC} [0]" in beside else [])
read("rejoin", 1, "-G", GROUP, TOPIC)
say("done")
