// Package main is a merge policy: the first replica that has data, its holes
// filled from the next.
package main

import "sort"

// Run is samples in a row, from Start up to, without, End.
type Run struct {
	Replica, Start, End int
}

// Fill takes the replicas in their order, each in the holes of those before
// it.
//
// A hole is a distance of two samples of more than one and a half intervals, or
// what lies before the first and after the last sample. What fills it stays
// half an interval away from its borders, so that the filled series is nowhere
// denser than a scraped one.
func Fill(replicas [][]int64, intervalMs uint64) []Run {
	var taken []Run
	for replica := range replicas {
		filling := filling{replicas, replica, intervalMs, nil}
		filling.over(taken)
		taken = filling.filled
	}
	return taken
}

// filling is the runs that are taken already, and between them those of a
// replica that fills their holes.
type filling struct {
	replicas   [][]int64
	replica    int
	intervalMs uint64
	filled     []Run
}

func (f *filling) over(taken []Run) {
	widest := f.intervalMs + f.intervalMs/2
	var before *int64
	for _, run := range taken {
		times := f.replicas[run.Replica]
		for index := run.Start; index < run.End; index++ {
			if before == nil || distance(*before, times[index]) > widest {
				f.take(Run{run.Replica, run.Start, index})
				run.Start = index
				f.fit(before, &times[index])
			}
			before = &times[index]
		}
		f.take(run)
	}
	f.fit(before, nil)
}

// fit takes what lies between two borders; one that there is not is nil.
func (f *filling) fit(before, after *int64) {
	times, half := f.replicas[f.replica], (f.intervalMs+1)/2
	run := Run{f.replica, 0, len(times)}
	if before != nil {
		run.Start = sort.Search(len(times), func(at int) bool {
			return times[at] >= *before && distance(*before, times[at]) >= half
		})
	}
	if after != nil {
		run.End = sort.Search(len(times), func(at int) bool {
			return times[at] > *after || distance(times[at], *after) < half
		})
	}
	f.take(run)
}

func (f *filling) take(run Run) {
	if run.End > run.Start {
		f.filled = append(f.filled, run)
	}
}

// distance of two moments; the second is not before the first.
func distance(from, to int64) uint64 {
	return uint64(to) - uint64(from)
}
