"""The one error of the benchmark's own."""


class Wrong(RuntimeError):
    """What was measured is not what should have been: the figures would be worthless."""
