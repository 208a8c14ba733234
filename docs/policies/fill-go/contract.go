package main

// The records of the contract, merge.wit, in Go.

// Terms are what the host may rely on.
type Terms struct {
	NeedsSamples, MaySynthesise     bool
	HasSpan                         bool
	BeforeMs, AfterMs               uint64
	KeepsLoneReplica, NoFalseResets bool
}

// Batch holds some series, each answered by the same number of replicas.
type Batch struct {
	Replicas   int
	Kinds      []uint8
	Offsets    []uint32
	Timestamps []int64
	Values     []uint64
}

// Decision is what to take.
type Decision struct {
	Runs, Ends []uint32
}

func main() {}
