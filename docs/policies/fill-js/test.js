// The README's tables through the rule: `npm test`.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { fill } from "./fill.js";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const rows = readme.split("\n").filter((line) => line.startsWith("    "));
const cells = (row) => row.trim().split(/\s+/);

test("the answers are those of the README", () => {
  let seconds, replicas, tables = 0;
  for (const row of rows) {
    const [name, ...rest] = cells(row);
    if (name === "seconds") [seconds, replicas] = [rest.map(Number), []];
    if (name === "replica") replicas.push(rest.slice(1));
    if (name !== "answer") continue;
    const held = replicas.map((row) => seconds.filter((_, at) => row[at] !== "."));
    const times = held.map((own) => own.map((second) => second * 1000));
    const answer = seconds.map(() => ".");
    for (const [replica, start, length] of fill(times, 15000)) {
      for (const time of times[replica].slice(start, start + length)) {
        const at = seconds.indexOf(time / 1000);
        answer[at] = replicas[replica][at];
      }
    }
    assert.deepEqual(answer, rest);
    tables += 1;
  }
  assert.ok(tables > 0, "the README has tables");
});

test("samples in a row are one run", () => {
  const taken = fill([[0, 15000, 60000], [0, 30000, 45000, 60000]], 15000);
  assert.deepEqual(taken, [[0, 0, 2], [1, 1, 2], [0, 2, 1]]);
});
