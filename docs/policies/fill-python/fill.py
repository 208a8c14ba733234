"""The rule: the first replica that has data, its holes filled from the next.

A hole is a distance of two samples of more than one and a half intervals, or
what lies before the first and after the last sample. What fills it stays half
an interval away from its borders, so that the filled series is nowhere denser
than a scraped one.
"""

from math import inf


def fill(replicas, interval_ms):
    """Takes the replicas in their order, each in the holes of those before it.

    In: each replica's times. Out: what is taken, as (time, replica, index).
    """
    taken = []
    for replica, times in enumerate(replicas):
        taken = _fill_holes(taken, times, replica, interval_ms)
    return taken


def _fill_holes(taken, times, replica, interval_ms):
    """`taken`, and of the replica's samples those that lie in its holes."""
    filled = []
    following = 0  # of `taken`: the first one later than the sample
    for index, time in enumerate(times):
        while following < len(taken) and taken[following][0] <= time:
            filled.append(taken[following])
            following += 1
        before = taken[following - 1][0] if following > 0 else -inf
        after = taken[following][0] if following < len(taken) else inf
        is_hole = 2 * (after - before) > 3 * interval_ms
        if is_hole and 2 * min(time - before, after - time) >= interval_ms:
            filled.append((time, replica, index))
    return filled + taken[following:]


def runs_of(taken):
    """Samples as runs: replica, first sample, number of samples, flat."""
    runs = []
    for _, replica, index in taken:
        if runs and runs[-3] == replica and runs[-2] + runs[-1] == index:
            runs[-1] += 1
        else:
            runs += [replica, index, 1]
    return runs
