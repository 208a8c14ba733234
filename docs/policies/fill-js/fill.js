// The rule: the first replica that has data, its holes filled from the next.
//
// A hole is a distance of two samples of more than one and a half intervals, or
// what lies before the first and after the last sample. What fills it stays
// half an interval away from its borders, so that the filled series is nowhere
// denser than a scraped one.

/** Takes the replicas in their order, each in the holes of those before it. */
export function fill(replicas, intervalMs) {
  let taken = [];
  replicas.forEach((times, replica) => {
    taken = fillHoles(taken, times, replica, intervalMs);
  });
  return taken;
}

/** `taken`, and of the replica's samples those that lie in its holes. */
function fillHoles(taken, times, replica, intervalMs) {
  const filled = [];
  let next = 0; // of `taken`: the first one later than the sample
  times.forEach((time, index) => {
    while (next < taken.length && taken[next].time <= time) filled.push(taken[next++]);
    const before = next > 0 ? taken[next - 1].time : -Infinity;
    const after = next < taken.length ? taken[next].time : Infinity;
    const isHole = 2 * (after - before) > 3 * intervalMs;
    const isApart = 2 * Math.min(time - before, after - time) >= intervalMs;
    if (isHole && isApart) filled.push({ time, replica, index });
  });
  return filled.concat(taken.slice(next));
}

/** Samples as runs: replica, first sample, number of samples. */
export function runsOf(taken) {
  const runs = [];
  for (const { replica, index } of taken) {
    const last = runs.length - 3;
    if (last >= 0 && runs[last] === replica && runs[last + 1] + runs[last + 2] === index) {
      runs[last + 2] += 1;
    } else {
      runs.push(replica, index, 1);
    }
  }
  return runs;
}
