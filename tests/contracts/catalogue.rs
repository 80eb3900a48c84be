//! Every check by its theme and name, for any subject.

use std::future::Future;
use std::pin::Pin;

use harness::Capability;

use crate::finding::Finding;
use crate::subject::Subject;
use crate::{
    batch_inserting, batches, dead_letters, deleting, depth, inserting, owners, receiving, retention, tables,
    visibility,
};

/// One thing the worker relies on.
pub(crate) struct Check<S> {
    /// Theme and name, as in the code.
    pub(crate) name: String,
    /// What an engine must be able to do for it.
    pub(crate) needs: &'static [Capability],
    /// Finds out.
    pub(crate) run: for<'a> fn(&'a S) -> Pin<Box<dyn Future<Output = Finding> + 'a>>,
}

macro_rules! listed {
    ($($theme:ident { $($check:ident $(needs $need:ident)?),* $(,)? })*) => {
        /// All of them.
        pub(crate) fn checks<S: Subject>() -> Vec<Check<S>> {
            vec![$($(Check {
                name: concat!(stringify!($theme), "::", stringify!($check)).to_owned(),
                needs: &[$(Capability::$need)?],
                run: |subject| Box::pin($theme::$check(subject)),
            }),*),*]
        }
    };
}

listed! {
    receiving {
        at_most_as_many_as_asked_for,
        eleven_at_once_are_refused,
        a_long_poll_wakes_on_arrival,
        a_long_poll_ends_empty_after_its_wait,
        the_receive_count_rises_from_one,
        the_times_of_a_message_stay,
        body_and_trace_come_as_sent,
        a_queue_that_is_not_there,
    }
    visibility {
        what_is_lent_is_invisible,
        what_was_lent_comes_back_with_a_new_receipt,
        zero_gives_back_at_once,
        an_extension_outlives_the_first_timeout,
        a_change_counts_from_its_call,
        a_change_is_not_remembered,
        a_stale_receipt_changes_nothing,
        a_lapsed_receipt_changes_what_nobody_received,
        a_deleted_message_cannot_be_held,
        twelve_hours_at_once_and_no_more,
        twelve_hours_in_all_and_no_more,
    }
    deleting {
        what_is_deleted_stays_away,
        a_stale_receipt_deletes_nothing,
        deleting_twice,
        a_lapsed_receipt_deletes_what_nobody_received,
        one_bad_receipt_fails_alone,
    }
    batches {
        ten_deletes_at_once,
        ten_changes_at_once,
        eleven_deletes_are_refused,
        eleven_changes_are_refused,
        no_deletes_at_all_are_refused,
        no_changes_at_all_are_refused,
        one_bad_receipt_among_changes_fails_alone,
        one_bad_timeout_among_changes_fails_alone,
    }
    dead_letters {
        a_message_moves_after_its_last_receive,
        a_moved_message_keeps_its_age,
        a_moved_message_keeps_its_receive_count,
        a_quarantined_message_is_sent_as_it_came,
        a_quarantined_message_is_still_lent,
    }
    retention {
        a_message_expires,
        a_delayed_message_waits,
        a_delayed_message_arrives,
    }
    depth {
        what_waits_is_lent_and_is_delayed_is_told,
        an_empty_queue_says_so,
    }
    inserting {
        an_absent_item_is_written_as_it_is,
        a_present_item_stays_and_its_owner_is_told,
        a_present_item_without_owner_says_so,
        racing_inserts_have_one_winner,
        the_whole_key_decides,
        numbers_and_flags_keep_their_types,
        the_largest_item_is_taken,
    }
    batch_inserting {
        twenty_five_are_answered_in_order,
        a_duplicate_hurts_no_neighbour,
        a_batch_writes_what_single_inserts_write,
        twenty_six_are_refused,
        none_at_all_are_refused,
        the_same_key_twice,
        a_bad_item_fails_alone,
        racing_batches_have_one_winner_each,
        large_items_share_a_batch,
    }
    owners {
        owners_come_in_the_order_of_the_keys,
        a_hundred_keys_are_read_at_once,
        a_hundred_and_one_keys_are_refused,
        the_same_key_twice_is_refused,
        rows_too_large_for_one_answer_are_all_read,
    }
    tables {
        a_missing_table_is_missing_to_all_calls,
        a_table_made_again_with_another_key_refuses needs QuickTables,
        a_table_made_again_takes_items needs QuickTables,
    }
}
