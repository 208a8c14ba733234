"""The rule: the first replica that has data, its holes filled from the next.

A hole is a distance of two samples of more than one and a half intervals, or
what lies before the first and after the last sample. What fills it stays half
an interval away from its borders, so that the filled series is nowhere denser
than a scraped one.
"""

from bisect import bisect_left, bisect_right
from math import inf


def fill(replicas, interval_ms):
    """Takes the replicas in their order, each in the holes of those before it.

    In: each replica's times. Out: runs, as (replica, first sample, number).
    """
    taken = []
    for replica in range(len(replicas)):
        taken = _fill_holes(taken, replicas, replica, interval_ms)
    return taken


def _fill_holes(taken, replicas, replica, interval_ms):
    """The runs of `taken`, and in their holes those of another replica."""
    times = replicas[replica]
    filled = []
    widest, half = 3 * interval_ms // 2, (interval_ms + 1) // 2

    def take(own, start, end):
        if end > start:
            filled.append((own, start, end - start))

    def fit(before, after):
        start = bisect_left(times, before + half)
        take(replica, start, bisect_right(times, after - half))

    before = -inf
    for own, start, length in taken:
        begin = start
        for index, time in enumerate(replicas[own][start : start + length], start):
            if time - before > widest:
                take(own, begin, index)
                begin = index
                fit(before, time)
            before = time
        take(own, begin, start + length)
    fit(before, inf)
    return filled
