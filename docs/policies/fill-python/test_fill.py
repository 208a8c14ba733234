"""The README's tables through the rule: `python3 -m unittest`."""

import unittest
from pathlib import Path

from fill import fill

README = Path(__file__).with_name("README.md").read_text()


class Readme(unittest.TestCase):
    def test_the_answers_are_those_of_the_readme(self):
        tables = 0
        for line in README.splitlines():
            name, *rest = line.split() or [""]
            if not line.startswith("    "):
                continue
            if name == "seconds":
                seconds, replicas = [int(cell) for cell in rest], []
            elif name == "replica":
                replicas.append(dict(zip(seconds, rest[1:])))
            elif name == "answer":
                held = [[1000 * at for at, cell in row.items() if cell != "."] for row in replicas]
                answer = dict.fromkeys(seconds, ".")
                for replica, start, length in fill(held, 15000):
                    for time in held[replica][start : start + length]:
                        answer[time // 1000] = replicas[replica][time // 1000]
                self.assertEqual(list(answer.values()), rest)
                tables += 1
        self.assertGreater(tables, 0, "the README has tables")

    def test_samples_in_a_row_are_one_run(self):
        taken = fill([[0, 15000, 60000], [0, 30000, 45000, 60000]], 15000)
        self.assertEqual(taken, [(0, 0, 2), (1, 1, 2), (0, 2, 1)])


if __name__ == "__main__":
    unittest.main()
