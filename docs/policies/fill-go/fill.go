// Package main is a merge policy: the first replica that has data, its holes
// filled from the next.
package main

import "math"

// Sample is one that is taken.
type Sample struct {
	Time           int64
	Replica, Index int
}

// Fill takes the replicas in their order, each in the holes of those before
// it.
//
// A hole is a distance of two samples of more than one and a half intervals, or
// what lies before the first and after the last sample. What fills it stays
// half an interval away from its borders, so that the filled series is nowhere
// denser than a scraped one.
func Fill(replicas [][]int64, intervalMs uint64) []Sample {
	var taken []Sample
	for replica, times := range replicas {
		taken = fillHoles(taken, times, replica, intervalMs)
	}
	return taken
}

// fillHoles returns what is taken, and of the replica's samples those that lie
// in its holes.
func fillHoles(taken []Sample, times []int64, replica int, intervalMs uint64) []Sample {
	filled := make([]Sample, 0, len(taken)+len(times))
	next := 0 // of taken: the first one later than the sample
	for index, time := range times {
		for next < len(taken) && taken[next].Time <= time {
			filled = append(filled, taken[next])
			next++
		}
		before, after := uint64(math.MaxUint64), uint64(math.MaxUint64) // distances
		if next > 0 {
			before = uint64(time) - uint64(taken[next-1].Time)
		}
		if next < len(taken) {
			after = uint64(taken[next].Time) - uint64(time)
		}
		half := (intervalMs + 1) / 2
		isOpen := next == 0 || next == len(taken)
		if min(before, after) >= half && (isOpen || before+after > intervalMs+intervalMs/2) {
			filled = append(filled, Sample{time, replica, index})
		}
	}
	return append(filled, taken[next:]...)
}

// Runs tells samples as runs: replica, first sample, number of samples.
func Runs(taken []Sample) []uint32 {
	var runs []uint32
	for _, sample := range taken {
		replica, index := uint32(sample.Replica), uint32(sample.Index)
		last := len(runs) - 3
		if last >= 0 && runs[last] == replica && runs[last+1]+runs[last+2] == index {
			runs[last+2]++
		} else {
			runs = append(runs, replica, index, 1)
		}
	}
	return runs
}
