"""Between the contract, merge.wit, and the rule."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.policy import Decision, Description, Needs, Span, Terms

from fill import fill

DEFAULT_INTERVAL_MS = 15000
SCHEMA = {
    "type": "object",
    "properties": {
        "interval_ms": {
            "type": "integer",
            "minimum": 1,
            "default": DEFAULT_INTERVAL_MS,
            "description": "distance of two scrapes, in milliseconds",
        }
    },
}

interval_ms = DEFAULT_INTERVAL_MS


class Policy(exports.Policy):
    def describe(self):
        return Description("fill-python", "0.1.0", json.dumps(SCHEMA))

    def configure(self, settings):
        global interval_ms
        interval_ms = interval_of(settings)
        span = (3 * interval_ms + 1) // 2
        return Terms(
            needs=Needs.TIMELINES,
            may_synthesise=False,
            span=Span(before_ms=span, after_ms=span),
            keeps_lone_replica=True,
            no_false_resets=True,
        )

    def plan(self, batch):
        runs, ends = [], []
        for series in range(len(batch.kinds)):
            first = series * batch.replicas
            borders = batch.offsets[first : first + batch.replicas + 1]
            times = [batch.timestamps[a:b] for a, b in zip(borders, borders[1:])]
            for run in fill(times, interval_ms):
                runs += run
            ends.append(len(runs) // 3)
        return Decision(runs, ends, [], [], [])


def interval_of(text):
    """What the operator set; an `Err` is told to the operator."""
    try:
        settings = json.loads(text) if text.strip() else {}
    except ValueError as error:
        raise Err(f"the settings are no JSON: {error}")
    if not isinstance(settings, dict):
        raise Err("the settings are no JSON object")
    for key in settings:
        if key != "interval_ms":
            raise Err(f"{key}: unknown, expected interval_ms")
    value = settings.get("interval_ms", DEFAULT_INTERVAL_MS)
    if type(value) is not int or not 1 <= value <= 2**53:
        raise Err(f"interval_ms: expected a whole number from 1 on, not {json.dumps(value)}")
    return value
