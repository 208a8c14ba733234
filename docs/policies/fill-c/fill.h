// The rule: the first replica that has data, its holes filled from the next.
#ifndef FILL_H
#define FILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Runs to take, as the contract wants them: triples of replica, first sample
// and number of samples. Zeroed at first; `items` is the caller's to free.
struct runs {
  uint32_t *items;
  size_t length;
  size_t capacity;
};

// Adds the runs of one series. Samples of replica r are those with index
// offsets[r] up to, without, offsets[r + 1]. False if there is no memory.
bool fill(const int64_t *timestamps, const uint32_t *offsets, uint32_t replicas,
          uint64_t interval_ms, struct runs *runs);

// How far before and after a moment a decision about it looks.
uint64_t fill_span_ms(uint64_t interval_ms);

// Reads {"interval_ms": 15000}; empty text leaves what is there. False if it
// says anything else.
bool fill_settings(const char *text, size_t length, uint64_t *interval_ms);

#endif
