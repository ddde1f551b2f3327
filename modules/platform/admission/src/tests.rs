use super::*;

const LONGEST: Duration = Duration::from_secs(1);

/// How long somebody who comes now waits in vain.
async fn waits_in_vain(queue: &Queue) -> Duration {
    let begun = Instant::now();
    assert_eq!(queue.turn().await.err(), Some(Refused::TimedOut));
    begun.elapsed()
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_queue_stands_waits_for_a_moment_only() {
    let queue = Arc::new(Queue::new("test", 1, LONGEST));
    let held = queue.turn().await.expect("a turn");
    let wait = || {
        let queue = Arc::clone(&queue);
        tokio::spawn(async move { waits_in_vain(&queue).await })
    };
    let first = wait();
    tokio::time::sleep(queue.standing / 2).await;
    let second = wait();
    tokio::time::sleep(queue.standing).await;
    assert_eq!(queue.waiting(), 2);
    assert_eq!(waits_in_vain(&queue).await, queue.moment);
    let begun = Instant::now();
    let again = queue.turn_again_by(begun + LONGEST / 2).await;
    assert_eq!(again.err(), Some(Refused::TimedOut));
    assert_eq!(begun.elapsed(), LONGEST / 2, "no newcomer");
    for early in [first, second] {
        assert_eq!(early.await.expect("joins"), LONGEST, "who came before keeps their patience");
    }
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_was_empty_meanwhile_is_calm_again() {
    let queue = Queue::new("test", 1, LONGEST);
    let held = queue.turn().await.expect("a turn");
    assert_eq!(waits_in_vain(&queue).await, LONGEST);
    assert_eq!(waits_in_vain(&queue).await, LONGEST, "nobody stood in it in between");
    drop(held);
    assert!(!queue.is_full());
    assert!(queue.turn().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_caller_s_own_deadline_counts_too() {
    let queue = Queue::new("test", 1, LONGEST);
    let _held = queue.turn().await.expect("a turn");
    let begun = Instant::now();
    let soon = Duration::from_millis(10);
    assert_eq!(queue.turn_by(begun + soon).await.err(), Some(Refused::TimedOut));
    assert_eq!(begun.elapsed(), soon);
}

#[tokio::test(start_paused = true)]
async fn who_goes_away_leaves_the_line() {
    let queue = Queue::new("test", 1, LONGEST);
    let held = queue.turn().await.expect("a turn");
    let gone = timeout(LONGEST / 10, queue.turn()).await;
    assert!(gone.is_err(), "there is no turn yet");
    assert_eq!(queue.waiting(), 0);
    drop(held);
    assert!(queue.turn().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_closed_queue_has_no_turns() {
    let queue = Arc::new(Queue::new("test", 2, LONGEST));
    let held = queue.turn().await.expect("a turn");
    let closing = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.close(LONGEST).await }
    });
    tokio::task::yield_now().await;
    assert!(!closing.is_finished(), "it waits for the turn that is held");
    let joined = queue.turn();
    let mut joined = std::pin::pin!(joined);
    assert!(timeout(LONGEST / 10, joined.as_mut()).await.is_err(), "it waits behind");
    drop(held);
    closing.await.expect("joins");
    assert_eq!(joined.await.err(), Some(Refused::Closed));
    assert_eq!(queue.turn().await.err(), Some(Refused::Closed));
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_room_is_refused_at_once() {
    let queue = Queue::new("test", 1, LONGEST).with_room(1);
    let held = queue.turn().await.expect("a turn");
    let waiting = queue.turn();
    let mut waiting = std::pin::pin!(waiting);
    assert!(timeout(LONGEST / 10, waiting.as_mut()).await.is_err(), "it waits");
    assert_eq!(waits_in_vain(&queue).await, Duration::ZERO);
    let again = timeout(LONGEST / 10, queue.turn_again_by(Instant::now() + LONGEST)).await;
    assert!(again.is_err(), "no newcomer: it waits");
    drop(held);
    assert!(waiting.await.is_ok());
}

/// How long an operation waits at a queue which stands, after it `had` turns there or elsewhere.
async fn waits_where_it_stands(had: impl AsyncFn(&Arc<Queue>)) -> Duration {
    let queue = Arc::new(Queue::new("test", 1, LONGEST));
    operation::begin(async {
        had(&queue).await;
        // On tasks of their own, which are no part of the operation.
        let [one, other] = [Arc::clone(&queue), Arc::clone(&queue)];
        let held = tokio::spawn(async move { one.turn().await }).await;
        let standing = tokio::spawn(async move { waits_in_vain(&other).await });
        tokio::time::sleep(queue.standing * 2).await;
        let waited = waits_in_vain(&queue).await;
        standing.await.expect("joins");
        drop(held);
        waited
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn who_had_a_turn_here_is_no_newcomer_any_more() {
    let had = async |queue: &Arc<Queue>| drop(queue.turn().await);
    assert_eq!(waits_where_it_stands(had).await, LONGEST);
}

#[tokio::test(start_paused = true)]
async fn a_turn_elsewhere_counts_if_it_was_waited_for() {
    let free = async |_: &Arc<Queue>| drop(Queue::new("other", 1, LONGEST).turn().await);
    assert_eq!(waits_where_it_stands(free).await, LONGEST / MOMENT, "it decided nothing");
    let scarce = async |_: &Arc<Queue>| {
        let other = Queue::new("other", 1, LONGEST);
        let held = other.turn_again_by(Instant::now()).await;
        let (turn, ()) = tokio::join!(other.turn(), async { drop(held) });
        assert!(turn.is_ok(), "a turn");
    };
    assert_eq!(waits_where_it_stands(scarce).await, LONGEST);
}
