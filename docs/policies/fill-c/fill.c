// A hole is a distance of two samples of more than one and a half intervals,
// or what lies before the first and after the last sample. What fills it stays
// half an interval away from its borders, so that the filled series is nowhere
// denser than a scraped one.
#include "fill.h"

#include <stdlib.h>
#include <string.h>

// Samples in a row of one replica, from `start` up to, without, `end`.
struct run {
  uint32_t replica, start, end;
};

// A replica that fills the holes of what is taken already.
struct filling {
  const int64_t *times;
  uint32_t length, replica;
  uint64_t interval_ms;
  struct run *filled;
  size_t count;
};

// The distance of two moments; the second is not before the first.
static uint64_t distance(int64_t from, int64_t to) {
  return (uint64_t)to - (uint64_t)from;
}

uint64_t fill_span_ms(uint64_t interval_ms) { return interval_ms + (interval_ms + 1) / 2; }

static void take(struct filling *filling, struct run run) {
  if (run.end > run.start) filling->filled[filling->count++] = run;
}

// How many of the times are before a moment, or nearer to it than `apart`.
static uint32_t count_to(const struct filling *filling, int64_t moment, uint64_t apart) {
  uint32_t low = 0, high = filling->length;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int64_t time = filling->times[middle];
    if (time < moment || distance(moment, time) < apart) low = middle + 1;
    else high = middle;
  }
  return low;
}

// How many of the times are before a moment, and `apart` from it or more.
static uint32_t count_before(const struct filling *filling, int64_t moment, uint64_t apart) {
  uint32_t low = 0, high = filling->length;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    int64_t time = filling->times[middle];
    if (time <= moment && distance(time, moment) >= apart) low = middle + 1;
    else high = middle;
  }
  return low;
}

// Takes what fits between two borders; one that there is not is null.
static void fit(struct filling *filling, const int64_t *before, const int64_t *after) {
  uint64_t half = (filling->interval_ms + 1) / 2;
  uint32_t start = before ? count_to(filling, *before, half) : 0;
  uint32_t end = after ? count_before(filling, *after, half) : filling->length;
  take(filling, (struct run){filling->replica, start, end});
}

// Writes the runs that are taken, and between them those that fill their holes.
static void fill_holes(struct filling *filling, const struct run *taken, size_t taken_count,
                       const int64_t *timestamps, const uint32_t *offsets) {
  uint64_t widest = filling->interval_ms + filling->interval_ms / 2;
  const int64_t *before = NULL;
  for (size_t at = 0; at < taken_count; at++) {
    struct run run = taken[at];
    const int64_t *times = &timestamps[offsets[run.replica]];
    for (uint32_t index = run.start; index < taken[at].end; index++) {
      if (!before || distance(*before, times[index]) > widest) {
        take(filling, (struct run){run.replica, run.start, index});
        run.start = index;
        fit(filling, before, &times[index]);
      }
      before = &times[index];
    }
    take(filling, run);
  }
  fit(filling, before, NULL);
}

// Adds runs to the answer.
static bool append(struct runs *runs, const struct run *taken, size_t count) {
  if (runs->length + 3 * count > runs->capacity) {
    size_t capacity = 2 * runs->capacity + 3 * count;
    uint32_t *items = realloc(runs->items, capacity * sizeof *items);
    if (!items) return false;
    runs->items = items;
    runs->capacity = capacity;
  }
  for (size_t at = 0; at < count; at++) {
    uint32_t run[] = {taken[at].replica, taken[at].start, taken[at].end - taken[at].start};
    memcpy(&runs->items[runs->length], run, sizeof run);
    runs->length += 3;
  }
  return true;
}

bool fill(const int64_t *timestamps, const uint32_t *offsets, uint32_t replicas,
          uint64_t interval_ms, struct runs *runs) {
  // Two lists that change places with every replica. A run has a sample or
  // more; one more, so that the size is never 0.
  size_t all = offsets[replicas] - offsets[0];
  struct run *lists = malloc((2 * all + 1) * sizeof *lists);
  if (!lists) return false;
  struct run *taken = lists, *filled = lists + all;
  size_t count = 0;
  for (uint32_t replica = 0; replica < replicas; replica++) {
    struct filling filling = {
        .times = &timestamps[offsets[replica]],
        .length = offsets[replica + 1] - offsets[replica],
        .replica = replica,
        .interval_ms = interval_ms,
        .filled = filled,
    };
    fill_holes(&filling, taken, count, timestamps, offsets);
    count = filling.count;
    filled = taken;
    taken = filling.filled;
  }
  bool done = append(runs, taken, count);
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
