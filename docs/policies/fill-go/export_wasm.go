package main

// The functions of the contract, as the canonical ABI has them. No generator of
// bindings is at hand that the ordinary compiler could use, so they are written
// by hand; of wit/merge.wit 1.0.

import "unsafe"

// What the host has been given memory for, or was answered with, until its
// next call: the garbage collector must not take it.
var kept [][]byte

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, size uint32) unsafe.Pointer {
	if size == 0 {
		return unsafe.Pointer(uintptr(align))
	}
	// Go aligns memory of eight bytes and more to eight.
	memory := make([]byte, max(size, 8))
	if oldSize > 0 {
		copy(memory, unsafe.Slice((*byte)(old), oldSize))
	}
	kept = append(kept, memory)
	return unsafe.Pointer(&memory[0])
}

// What is returned lies here.
var area [16]uint64
var texts [3]string
var answer Decision

func word(offset int, value uint32) {
	*(*uint32)(unsafe.Add(unsafe.Pointer(&area), offset)) = value
}

func flag(offset int, value bool) {
	*(*bool)(unsafe.Add(unsafe.Pointer(&area), offset)) = value
}

func text(offset, slot int, value string) {
	texts[slot] = value
	word(offset, uint32(uintptr(unsafe.Pointer(unsafe.StringData(value)))))
	word(offset+4, uint32(len(value)))
}

func list(offset int, values []uint32) {
	word(offset, uint32(uintptr(unsafe.Pointer(unsafe.SliceData(values)))))
	word(offset+4, uint32(len(values)))
}

func result() unsafe.Pointer {
	return unsafe.Pointer(&area)
}

//go:wasmexport promweave:merge/policy@1.0.0#describe
func exportDescribe() unsafe.Pointer {
	area = [16]uint64{}
	text(0, 0, "fill-go")
	text(8, 1, "0.1.0")
	text(16, 2, schema)
	return result()
}

//go:wasmexport promweave:merge/policy@1.0.0#configure
func exportConfigure(data unsafe.Pointer, length uint32) unsafe.Pointer {
	settings := string(unsafe.Slice((*byte)(data), length))
	kept = nil
	area = [16]uint64{}
	terms, err := configure(settings)
	if err != nil {
		flag(0, true)
		text(8, 0, err.Error())
		return result()
	}
	flag(8, terms.NeedsSamples) // the enum: timelines, samples
	flag(9, terms.MaySynthesise)
	flag(16, terms.HasSpan)
	area[3], area[4] = terms.BeforeMs, terms.AfterMs
	flag(40, terms.KeepsLoneReplica)
	flag(41, terms.NoFalseResets)
	return result()
}

//go:wasmexport promweave:merge/policy@1.0.0#plan
func exportPlan(
	replicas uint32,
	kinds unsafe.Pointer, kindsLength uint32,
	offsets unsafe.Pointer, offsetsLength uint32,
	timestamps unsafe.Pointer, timestampsLength uint32,
	values unsafe.Pointer, valuesLength uint32,
) unsafe.Pointer {
	var err error
	answer, err = plan(Batch{
		Replicas:   int(replicas),
		Kinds:      unsafe.Slice((*uint8)(kinds), kindsLength),
		Offsets:    unsafe.Slice((*uint32)(offsets), offsetsLength),
		Timestamps: unsafe.Slice((*int64)(timestamps), timestampsLength),
		Values:     unsafe.Slice((*uint64)(values), valuesLength),
	})
	kept = nil
	area = [16]uint64{}
	if err != nil {
		flag(0, true)
		text(4, 0, err.Error())
		return result()
	}
	list(4, answer.Runs)
	list(12, answer.Ends)
	return result()
}
