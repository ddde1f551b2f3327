use super::*;

// Points are the whole process's: each test has names of its own.

#[tokio::test]
async fn a_point_that_is_not_armed_does_nothing() {
    reach("test::quiet").await;
    assert!(!is_on("test::quiet"));
    assert!(!reached().contains_key("test::quiet"));
}

#[tokio::test(start_paused = true)]
async fn a_point_does_what_it_is_armed_for_as_often_as_said() {
    arm("test::slow", "2*return(sleep:1500)").expect("it can be understood");
    let begun = tokio::time::Instant::now();
    for _ in 0..5 {
        reach("test::slow").await;
    }
    assert_eq!(begun.elapsed(), Duration::from_millis(3_000));
    assert_eq!(reached()["test::slow"], 2);
}

#[tokio::test(start_paused = true)]
async fn what_is_held_goes_on_once_the_point_is_disarmed() {
    arm("test::held", "return(hold)").expect("it can be understood");
    let task = tokio::spawn(reach("test::held"));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(!task.is_finished());
    disarm("test::held");
    task.await.expect("it goes on");
}

#[tokio::test]
async fn a_task_panics_where_it_is_told_to() {
    arm("test::panics", "1*return(panic)").expect("it can be understood");
    tokio::spawn(reach("test::panics")).await.expect_err("it panics");
    reach("test::panics").await;
}

#[test]
fn a_switch_has_a_word() {
    arm("test::switch", "1*return(payload)").expect("it can be understood");
    assert_eq!(setting("test::switch").as_deref(), Some("payload"));
    assert_eq!(setting("test::switch"), None);
}

#[test]
fn what_would_block_or_cannot_be_understood_is_refused() {
    for actions in
        ["sleep(100)", "panic", "return(sleep:soon)", "return(bake:bread)", "retrun(kill)"]
    {
        assert!(arm("test::refused", actions).is_err(), "{actions}");
    }
    assert!(!armed().contains_key("test::refused"));
}
