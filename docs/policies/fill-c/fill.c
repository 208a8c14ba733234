// A hole is a distance of two samples of more than one and a half intervals,
// or what lies before the first and after the last sample. What fills it stays
// half an interval away from its borders, so that the filled series is nowhere
// denser than a scraped one.
#include "fill.h"

#include <stdlib.h>
#include <string.h>

// A sample that is taken.
struct taken {
  int64_t time;
  uint32_t replica;
  uint32_t index;
};

// The distance of two moments; the second is not before the first.
static uint64_t distance(int64_t from, int64_t to) {
  return (uint64_t)to - (uint64_t)from;
}

uint64_t fill_span_ms(uint64_t interval_ms) { return interval_ms + (interval_ms + 1) / 2; }

// Whether there is a hole between the neighbours, and the moment fits into it.
// A neighbour that there is not is null.
static bool fits(const struct taken *before, int64_t time, const struct taken *after,
                 uint64_t interval_ms) {
  uint64_t half = (interval_ms + 1) / 2;
  if (before && after && distance(before->time, after->time) < interval_ms + interval_ms / 2 + 1)
    return false;
  if (before && distance(before->time, time) < half) return false;
  return !after || distance(time, after->time) >= half;
}

// Writes what is taken already, and of the replica's samples those that lie in
// its holes; returns how many that are.
static size_t fill_holes(const struct taken *taken, size_t taken_length, const int64_t *times,
                         uint32_t length, uint32_t replica, uint64_t interval_ms,
                         struct taken *filled) {
  size_t next = 0, count = 0; // next: of what is taken, the first one later than the sample
  for (uint32_t index = 0; index < length; index++) {
    while (next < taken_length && taken[next].time <= times[index]) filled[count++] = taken[next++];
    const struct taken *before = next > 0 ? &taken[next - 1] : NULL;
    const struct taken *after = next < taken_length ? &taken[next] : NULL;
    if (fits(before, times[index], after, interval_ms))
      filled[count++] = (struct taken){times[index], replica, index};
  }
  while (next < taken_length) filled[count++] = taken[next++];
  return count;
}

// Adds a sample to the run that it continues, or as a run of its own. `first`
// is where the series begins: a run of the one before does not go on.
static bool take(struct runs *runs, size_t first, struct taken sample) {
  uint32_t *last = runs->length > first ? &runs->items[runs->length - 3] : NULL;
  if (last && last[0] == sample.replica && last[1] + last[2] == sample.index) {
    last[2]++;
    return true;
  }
  if (runs->length + 3 > runs->capacity) {
    size_t capacity = 2 * runs->capacity + 48;
    uint32_t *items = realloc(runs->items, capacity * sizeof *items);
    if (!items) return false;
    runs->items = items;
    runs->capacity = capacity;
  }
  uint32_t run[] = {sample.replica, sample.index, 1};
  memcpy(&runs->items[runs->length], run, sizeof run);
  runs->length += 3;
  return true;
}

bool fill(const int64_t *timestamps, const uint32_t *offsets, uint32_t replicas,
          uint64_t interval_ms, struct runs *runs) {
  size_t all = offsets[replicas] - offsets[0];
  // Two lists that change places with every replica; one more, so that the
  // size is never 0.
  struct taken *lists = malloc((2 * all + 1) * sizeof *lists);
  if (!lists) return false;
  struct taken *taken = lists, *filled = lists + all;
  size_t count = 0, first = runs->length;
  for (uint32_t replica = 0; replica < replicas; replica++) {
    const int64_t *times = &timestamps[offsets[replica]];
    uint32_t length = offsets[replica + 1] - offsets[replica];
    count = fill_holes(taken, count, times, length, replica, interval_ms, filled);
    struct taken *full = filled;
    filled = taken;
    taken = full;
  }
  bool done = true;
  for (size_t index = 0; done && index < count; index++) done = take(runs, first, taken[index]);
  free(lists);
  return done;
}

// Where the text goes on after white space and `word`; null if it does not.
static const char *skip(const char *text, const char *end, const char *word) {
  while (text && text < end && memchr(" \t\r\n", *text, 4)) text++;
  size_t length = strlen(word);
  bool is_there = text && (size_t)(end - text) >= length && memcmp(text, word, length) == 0;
  return is_there ? text + length : NULL;
}

bool fill_settings(const char *text, size_t length, uint64_t *interval_ms) {
  const char *end = text + length;
  const char *next = skip(text, end, "");
  if (next == end) return true;
  const char *brace = skip(skip(text, end, "{"), end, "}");
  if (brace && skip(brace, end, "") == end) return true;
  const char *number = skip(skip(skip(text, end, "{"), end, "\"interval_ms\""), end, ":");
  number = skip(number, end, "");
  uint64_t value = 0;
  const char *digit = number;
  while (digit && digit < end && digit - number < 16 && *digit >= '0' && *digit <= '9')
    value = 10 * value + (uint64_t)(*digit++ - '0');
  brace = skip(digit, end, "}");
  bool is_number = digit && digit > number && *number != '0' && value <= 1ULL << 53;
  if (!is_number || !brace || skip(brace, end, "") != end) return false;
  *interval_ms = value;
  return true;
}
