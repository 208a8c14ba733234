package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

const defaultIntervalMs = 15000

const schema = `{"type": "object", "properties": {"interval_ms": {"type": "integer", ` +
	`"minimum": 1, "default": 15000, "description": "distance of two scrapes, in milliseconds"}}}`

var intervalMs uint64 = defaultIntervalMs

// configure reads the operator's settings; the error is told to the operator.
func configure(text string) (Terms, error) {
	settings := struct {
		IntervalMs *uint64 `json:"interval_ms"`
	}{}
	if strings.TrimSpace(text) != "" {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&settings); err != nil {
			return Terms{}, fmt.Errorf("expected an object with interval_ms: %w", err)
		}
	}
	intervalMs = defaultIntervalMs
	if set := settings.IntervalMs; set != nil {
		if *set < 1 || *set > 1<<53 {
			return Terms{}, fmt.Errorf("interval_ms: expected a whole number from 1 on, not %d", *set)
		}
		intervalMs = *set
	}
	span := intervalMs + (intervalMs+1)/2
	return Terms{
		HasSpan: true, BeforeMs: span, AfterMs: span,
		KeepsLoneReplica: true, NoFalseResets: true,
	}, nil
}

// plan decides for every series of a batch.
func plan(batch Batch) (Decision, error) {
	var decision Decision
	for series := range batch.Kinds {
		var times [][]int64
		for own := series * batch.Replicas; own < (series+1)*batch.Replicas; own++ {
			times = append(times, batch.Timestamps[batch.Offsets[own]:batch.Offsets[own+1]])
		}
		for _, run := range Fill(times, intervalMs) {
			triple := []uint32{uint32(run.Replica), uint32(run.Start), uint32(run.End - run.Start)}
			decision.Runs = append(decision.Runs, triple...)
		}
		decision.Ends = append(decision.Ends, uint32(len(decision.Runs)/3))
	}
	return decision, nil
}
