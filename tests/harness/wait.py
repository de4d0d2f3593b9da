"""Waiting for conditions. Nothing in the tests pauses for a fixed time."""

import threading
import time

_TICK = threading.Event()


class DeadlineMissed(AssertionError):
    """The condition did not become true in time."""


def until(condition, what, deadline_s=30, every_s=0.02):
    """Asks `condition` until it answers something true, and answers that.

    `what` finishes the sentence "waited in vain for ...". It may be a callable, to say what was seen last.
    """
    end = time.monotonic() + deadline_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > end:
            text = what() if callable(what) else what
            raise DeadlineMissed(f"waited {deadline_s} s in vain for {text}")
        _TICK.wait(every_s)
