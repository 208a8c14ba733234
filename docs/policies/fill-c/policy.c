// Between the contract's C bindings and the rule.
//
// bindings/ is what `wit-bindgen c --world merge-policy merge.wit` (0.63)
// writes. What is returned is the host's, which frees it; arguments are ours.
#include <stdlib.h>

#include "bindings/merge_policy.h"
#include "fill.h"

static uint64_t interval_ms = 15000;

void exports_promweave_merge_policy_describe(exports_promweave_merge_policy_description_t *ret) {
  merge_policy_string_dup(&ret->name, "fill-c");
  merge_policy_string_dup(&ret->version, "0.1.0");
  merge_policy_string_dup(
      &ret->settings_schema,
      "{\"type\": \"object\", \"properties\": {\"interval_ms\": {\"type\": \"integer\", "
      "\"minimum\": 1, \"default\": 15000, "
      "\"description\": \"distance of two scrapes, in milliseconds\"}}}");
}

bool exports_promweave_merge_policy_configure(merge_policy_string_t *settings,
                                              exports_promweave_merge_policy_terms_t *ret,
                                              merge_policy_string_t *err) {
  bool is_read = fill_settings((const char *)settings->ptr, settings->len, &interval_ms);
  merge_policy_string_free(settings);
  if (!is_read) {
    merge_policy_string_dup(err, "expected {\"interval_ms\": 15000}, a whole number from 1 on");
    return false;
  }
  uint64_t span = fill_span_ms(interval_ms);
  *ret = (exports_promweave_merge_policy_terms_t){
      .needs = EXPORTS_PROMWEAVE_MERGE_POLICY_NEEDS_TIMELINES,
      .may_synthesise = false,
      .span = {.is_some = true, .val = {.before_ms = span, .after_ms = span}},
      .keeps_lone_replica = true,
      .no_false_resets = true,
  };
  return true;
}

bool exports_promweave_merge_policy_plan(exports_promweave_merge_policy_batch_t *batch,
                                         exports_promweave_merge_policy_decision_t *ret,
                                         merge_policy_string_t *err) {
  size_t series = batch->kinds.len;
  struct runs runs = {0};
  uint32_t *ends = malloc(series * sizeof *ends);
  bool done = ends;
  for (size_t index = 0; done && index < series; index++) {
    const uint32_t *offsets = &batch->offsets.ptr[index * batch->replicas];
    done = fill(batch->timestamps.ptr, offsets, batch->replicas, interval_ms, &runs);
    ends[index] = (uint32_t)(runs.length / 3);
  }
  exports_promweave_merge_policy_batch_free(batch);
  if (!done) {
    free(ends);
    free(runs.items);
    merge_policy_string_dup(err, "out of memory");
    return false;
  }
  *ret = (exports_promweave_merge_policy_decision_t){
      .runs = {.ptr = runs.items, .len = runs.length},
      .ends = {.ptr = ends, .len = series},
  };
  return true;
}
