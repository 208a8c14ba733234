package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The README's tables through the rule.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var seconds []string
	var replicas [][]string
	tables := 0
	for line := range strings.Lines(string(readme)) {
		cells := strings.Fields(line)
		if !strings.HasPrefix(line, "    ") || len(cells) == 0 {
			continue
		}
		switch cells[0] {
		case "seconds":
			seconds, replicas = cells[1:], nil
		case "replica":
			replicas = append(replicas, cells[2:])
		case "answer":
			tables++
			if own := rowOf(seconds, replicas); !slices.Equal(own, cells[1:]) {
				t.Errorf("table %d: %v, not %v", tables, own, cells[1:])
			}
		}
	}
	if tables == 0 {
		t.Error("the README has no table")
	}
}

// What the rule answers, as the row of a table.
func rowOf(seconds []string, replicas [][]string) []string {
	var times [][]int64
	for _, row := range replicas {
		var held []int64
		for at, cell := range row {
			if second, err := strconv.ParseInt(seconds[at], 10, 64); err == nil && cell != "." {
				held = append(held, 1000*second)
			}
		}
		times = append(times, held)
	}
	answer := slices.Repeat([]string{"."}, len(seconds))
	for _, run := range Fill(times, 15000) {
		for _, time := range times[run.Replica][run.Start:run.End] {
			at := slices.Index(seconds, strconv.FormatInt(time/1000, 10))
			answer[at] = replicas[run.Replica][at]
		}
	}
	return answer
}

func TestSamplesInARowAreOneRun(t *testing.T) {
	taken := Fill([][]int64{{0, 15000, 60000}, {0, 30000, 45000, 60000}}, 15000)
	expected := []Run{{0, 0, 2}, {1, 1, 3}, {0, 2, 3}}
	if !slices.Equal(taken, expected) {
		t.Errorf("%v, not %v", taken, expected)
	}
}

func TestSettings(t *testing.T) {
	for text, interval := range map[string]uint64{"": 15000, " {} ": 15000, `{"interval_ms": 5}`: 5} {
		if terms, err := configure(text); err != nil || intervalMs != interval || !terms.HasSpan {
			t.Errorf("%s: %d, %v", text, intervalMs, err)
		}
	}
	for _, text := range []string{"[]", `{"interval": 1}`, `{"interval_ms": 0}`, `{"interval_ms": 1.5}`} {
		if _, err := configure(text); err == nil {
			t.Errorf("%s: not refused", text)
		}
	}
}
