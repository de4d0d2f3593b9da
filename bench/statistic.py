"""Percentiles and medians over rounds."""

import math
import statistics


def percentile(values, share):
    """The smallest of the values that `share` of them do not exceed (nearest rank); `share` is in 0 to 1."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def median_of(rounds, figure):
    """The median over the rounds of what `figure` answers for each."""
    return statistics.median(figure(one) for one in rounds)
