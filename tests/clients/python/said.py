"""What a tour says, for all tours in Python: one line of JSON for each thing it saw."""

import base64
import json
import os

BROKER = os.environ["WELLHEAD_BROKER"]
TOPIC = os.environ["WELLHEAD_TOPIC"]
GROUP = os.environ["WELLHEAD_GROUP"]
USER = os.environ["WELLHEAD_USER"]
PASSWORD = os.environ["WELLHEAD_PASSWORD"]
SECOND = int(os.environ["WELLHEAD_SECOND"])
COUNT = int(os.environ["WELLHEAD_COUNT"])
METADATA = "1712905965|tour"


def say(event, **fields):
    """One line."""
    print(json.dumps({"event": event, **fields}), flush=True)


def record(step, offset, timestamp, key, value):
    """One record as it came."""
    say("record", step=step, offset=offset, timestamp=timestamp, key=text(key), value=text(value))


def text(data):
    """Bytes as JSON can hold them."""
    return None if data is None else base64.b64encode(data).decode()
