// The rule: the first replica that has data, its holes filled from the next.
//
// A hole is a distance of two samples of more than one and a half intervals, or
// what lies before the first and after the last sample. What fills it stays
// half an interval away from its borders, so that the filled series is nowhere
// denser than a scraped one.

/**
 * Takes the replicas in their order, each in the holes of those before it.
 *
 * In: each replica's times. Out: runs, as [replica, first sample, number].
 */
export function fill(replicas, intervalMs) {
  let taken = [];
  for (let replica = 0; replica < replicas.length; replica++) {
    taken = fillHoles(taken, replicas, replica, intervalMs);
  }
  return taken;
}

/** The runs of `taken`, and in their holes those of another replica. */
function fillHoles(taken, replicas, replica, intervalMs) {
  const times = replicas[replica];
  const filled = [];
  const widest = 1.5 * intervalMs;
  const take = (own, start, end) => {
    if (end > start) filled.push([own, start, end - start]);
  };
  // What fits between two borders.
  const fit = (before, after) => {
    const start = firstFrom(times, before + intervalMs / 2);
    take(replica, start, firstAfter(times, after - intervalMs / 2));
  };
  let before = -Infinity;
  for (const [own, start, length] of taken) {
    const ownTimes = replicas[own];
    let begin = start;
    for (let index = start; index < start + length; index++) {
      const time = ownTimes[index];
      if (time - before > widest) {
        take(own, begin, index);
        begin = index;
        fit(before, time);
      }
      before = time;
    }
    take(own, begin, start + length);
  }
  fit(before, Infinity);
  return filled;
}

/** The number of the first time that is not before a moment. */
function firstFrom(times, moment) {
  return search(times, (time) => time >= moment);
}

/** The number of the first time after a moment. */
function firstAfter(times, moment) {
  return search(times, (time) => time > moment);
}

function search(times, isReached) {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(times[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}
