// Between the contract, merge.wit, and the rule.
import { fill } from "./fill.js";

const DEFAULT_INTERVAL_MS = 15000;
const SCHEMA = {
  type: "object",
  properties: {
    interval_ms: {
      type: "integer",
      minimum: 1,
      default: DEFAULT_INTERVAL_MS,
      description: "distance of two scrapes, in milliseconds",
    },
  },
};

let intervalMs = DEFAULT_INTERVAL_MS;

export const policy = {
  describe() {
    return { name: "fill-js", version: "0.1.0", settingsSchema: JSON.stringify(SCHEMA) };
  },

  configure(text) {
    intervalMs = intervalOf(text);
    const span = Math.ceil(1.5 * intervalMs);
    return {
      needs: "timelines",
      maySynthesise: false,
      span: { beforeMs: span, afterMs: span },
      keepsLoneReplica: true,
      noFalseResets: true,
    };
  },

  plan({ replicas, kinds, offsets, timestamps }) {
    const runs = [];
    const ends = [];
    for (let series = 0; series < kinds.length; series++) {
      const times = [];
      for (let own = series * replicas; own < (series + 1) * replicas; own++) {
        times.push(timestamps.slice(offsets[own], offsets[own + 1]));
      }
      for (const run of fill(times, intervalMs)) runs.push(...run);
      ends.push(runs.length / 3);
    }
    return { runs, ends, synthesisedTimes: [], synthesisedValues: [], synthesisedEnds: [] };
  },
};

/** What the operator set; what is thrown is told to the operator. */
function intervalOf(text) {
  let settings = {};
  try {
    if (text.trim() !== "") settings = JSON.parse(text);
  } catch (error) {
    throw `the settings are no JSON: ${error.message}`;
  }
  if (typeof settings !== "object" || settings === null || Array.isArray(settings)) {
    throw "the settings are no JSON object";
  }
  for (const key of Object.keys(settings)) {
    if (key !== "interval_ms") throw `${key}: unknown, expected interval_ms`;
  }
  const { interval_ms: interval = DEFAULT_INTERVAL_MS } = settings;
  if (!Number.isSafeInteger(interval) || interval < 1) {
    throw `interval_ms: expected a whole number from 1 on, not ${JSON.stringify(interval)}`;
  }
  return interval;
}
