//! The suite over every client: a test for each check and way.

use crate::{house::Way, suite};

macro_rules! over_every_way {
    ($($check:ident),+ $(,)?) => {
        over_every_way!(@way direct, Direct, $($check),+);
        over_every_way!(@way loopback, Loopback, $($check),+);
        over_every_way!(@way http, Http, $($check),+);
        over_every_way!(@way http_from_worker, HttpFromWorker, $($check),+);
    };
    (@way $name:ident, $way:ident, $($check:ident),+) => {
        mod $name {
            $(
                #[tokio::test]
                async fn $check() {
                    super::suite::$check(super::Way::$way).await;
                }
            )+
        }
    };
}

over_every_way!(
    results_come_back_as_they_were_sent,
    the_context_goes_with_the_call,
    refusals_cross_unchanged,
    the_callees_failures_are_told_as_its_own,
    a_call_ends_with_its_time_and_so_does_the_work,
    work_whose_time_is_up_is_not_begun,
    a_caller_that_goes_away_ends_the_work,
    a_panic_is_an_unknown_outcome_and_harms_nobody_else,
    a_write_happens_once_however_often_it_arrives,
    two_writes_of_one_caller_are_two,
    a_callee_that_is_not_up_is_unavailable_until_it_is,
);
