//! Random queries over fleets of every shape: through the proxy, in every
//! mode, they are answered as by one server that holds the merged samples.
//!
//! `make fleets` asks many more.

use e2e::differ::{check, check_against_raw};
use e2e::fleet::shape::Shape;
use e2e::prometheus;

/// One test for each shape; with remote read, and where it says so without.
macro_rules! fleets {
    ($($name:ident: $shape:ident, $remote_read:expr;)+) => {
        $(
            #[test]
            fn $name() {
                if prometheus::available() {
                    check(&Shape::$shape, $remote_read);
                }
            }
        )+
    };
}

fleets! {
    labelled_groups_of_whole_replicas_answer_as_one: LABELLED, true;
    labelled_groups_with_holes_answer_as_one: LABELLED_HOLES, true;
    labelled_groups_with_holes_answer_as_one_without_remote_read: LABELLED_HOLES, false;
    replicas_that_miss_different_targets_at_once_answer_as_one: LABELLED_CROSSING, true;
    replicas_restarted_one_after_the_other_answer_as_one: LABELLED_ROLLING, true;
    replicas_that_miss_single_scrapes_and_edges_answer_as_one: LABELLED_EDGES, true;
    offset_replicas_answer_as_their_merge: LABELLED_OFFSET, true;
    offset_replicas_with_holes_answer_as_their_merge: LABELLED_OFFSET_HOLES, true;
    offset_replicas_with_holes_answer_as_their_merge_without_remote_read: LABELLED_OFFSET_HOLES, false;
    unpunctual_replicas_with_holes_answer_as_their_merge: LABELLED_JITTER_HOLES, true;
    recent_data_with_holes_is_answered_as_by_one: LABELLED_RECENT_HOLES, true;
    unlabelled_groups_of_whole_replicas_answer_as_one: UNLABELLED, true;
    unlabelled_groups_with_holes_answer_as_one: UNLABELLED_HOLES, true;
    unlabelled_groups_with_holes_answer_as_one_without_remote_read: UNLABELLED_HOLES, false;
    unlabelled_offset_replicas_with_holes_answer_as_their_merge: UNLABELLED_OFFSET_HOLES, true;
    groups_that_hold_the_same_series_count_them_once: OVERLAPPING, true;
    groups_that_hold_the_same_series_with_other_holes_count_them_once: OVERLAPPING_HOLES, true;
    groups_that_share_some_series_count_them_once: PARTLY_OVERLAPPING_HOLES, true;
    a_labelled_group_beside_an_unlabelled_one_answers_as_one: HALF_LABELLED_HOLES, true;
    single_replicas_with_holes_answer_as_one: SINGLE_HOLES, true;
    three_replicas_with_holes_answer_as_their_merge: THREE_HOLES, true;
}

#[test]
fn replicas_that_scrape_half_an_interval_apart_answer_as_their_raw_samples() {
    if prometheus::available() {
        check_against_raw(&Shape::LABELLED_HALF_OFFSET_HOLES);
    }
}
