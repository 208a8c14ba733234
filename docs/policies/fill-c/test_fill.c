// The README's tables through the rule: `make test`.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fill.h"

enum { CELLS = 32, REPLICAS = 4, WIDTH = 16 };

struct row {
  char cells[CELLS][WIDTH];
  int length;
};

static struct row row_of(char *line) {
  struct row row = {.length = 0};
  for (char *cell = strtok(line, " \n"); cell && row.length < CELLS; cell = strtok(NULL, " \n"))
    snprintf(row.cells[row.length++], WIDTH, "%s", cell);
  return row;
}

// What the rule answers, as the row of a table.
static struct row answer(const struct row *seconds, const struct row *replicas, uint32_t count) {
  int64_t times[REPLICAS * CELLS];
  int places[REPLICAS * CELLS];
  uint32_t offsets[REPLICAS + 1] = {0};
  uint32_t all = 0;
  for (uint32_t replica = 0; replica < count; replica++) {
    for (int at = 1; at < seconds->length; at++) {
      if (strcmp(replicas[replica].cells[at + 1], ".") == 0) continue;
      places[all] = at;
      times[all++] = 1000 * atoll(seconds->cells[at]);
    }
    offsets[replica + 1] = all;
  }
  struct runs runs = {0};
  if (!fill(times, offsets, count, 15000, &runs)) abort();
  struct row row = {.length = seconds->length};
  for (int at = 0; at < row.length; at++) strcpy(row.cells[at], at == 0 ? "answer" : ".");
  for (size_t run = 0; run < runs.length; run += 3) {
    uint32_t replica = runs.items[run], first = offsets[replica] + runs.items[run + 1];
    for (uint32_t sample = first; sample < first + runs.items[run + 2]; sample++)
      strcpy(row.cells[places[sample]], replicas[replica].cells[places[sample] + 1]);
  }
  free(runs.items);
  return row;
}

static int check_readme(void) {
  FILE *readme = fopen("README.md", "r");
  if (!readme) return perror("README.md"), 1;
  char line[512];
  struct row seconds = {.length = 0}, replicas[REPLICAS];
  uint32_t count = 0;
  int tables = 0, failed = 0;
  while (fgets(line, sizeof line, readme)) {
    if (strncmp(line, "    ", 4) != 0) continue;
    struct row row = row_of(line);
    if (strcmp(row.cells[0], "seconds") == 0) seconds = row, count = 0;
    if (strcmp(row.cells[0], "replica") == 0 && count < REPLICAS) replicas[count++] = row;
    if (strcmp(row.cells[0], "answer") != 0) continue;
    struct row own = answer(&seconds, replicas, count);
    tables++;
    for (int at = 0; at < row.length; at++) {
      if (strcmp(own.cells[at], row.cells[at]) == 0) continue;
      fprintf(stderr, "table %d, column %d: %s, not %s\n", tables, at, own.cells[at], row.cells[at]);
      failed = 1;
    }
  }
  fclose(readme);
  if (tables == 0) fprintf(stderr, "the README has no table\n");
  return failed || tables == 0;
}

static int check_settings(void) {
  const char *good[] = {"", " {} ", "{\"interval_ms\": 60000}", " { \"interval_ms\" :5 }"};
  const uint64_t read[] = {15000, 15000, 60000, 5};
  const char *bad[] = {"[]", "{\"interval\": 1}", "{\"interval_ms\": 0}", "{\"interval_ms\": 1.5}",
                       "{\"interval_ms\": 1} x", "{\"interval_ms\": 99999999999999999999}"};
  int failed = 0;
  for (size_t at = 0; at < sizeof good / sizeof *good; at++) {
    uint64_t interval_ms = 15000;
    if (fill_settings(good[at], strlen(good[at]), &interval_ms) && interval_ms == read[at]) continue;
    fprintf(stderr, "settings %s: read as %llu\n", good[at], (unsigned long long)interval_ms);
    failed = 1;
  }
  for (size_t at = 0; at < sizeof bad / sizeof *bad; at++) {
    uint64_t interval_ms = 15000;
    if (!fill_settings(bad[at], strlen(bad[at]), &interval_ms)) continue;
    fprintf(stderr, "settings %s: not refused\n", bad[at]);
    failed = 1;
  }
  return failed;
}

int main(void) { return check_readme() | check_settings(); }
