//! The buttons of the events' page, and who may press them.

use std::sync::atomic::Ordering::Relaxed;

use actix_web::{
    http::header::{HOST, LOCATION, ORIGIN},
    test::TestRequest,
};

use crate::world::{HERE, World, event};

fn one(n: u128) -> String {
    format!("/dashboard/events/shop/{}/shop.note/replay", event(n))
}

const ALL: &str = "/dashboard/events/shop/shop.note/replay";

async fn dead(world: &World) -> u64 {
    world.engine.backlog().await.expect("a store").dead
}

async fn check_press(world: &World, path: &str, replayed: u64) {
    let answer = world.press(path).await;
    assert_eq!(answer.status(), 303, "{path}");
    let next =
        answer.headers().get(LOCATION).expect("a location").to_str().expect("text").to_owned();
    assert_eq!(next, format!("/dashboard/events?replayed={replayed}"));
    world.engine.run_until_idle().await.expect("a store");
}

#[actix_web::test]
async fn one_letter_or_all_of_a_consumer_are_handled_again() {
    let world = World::new().await;
    world.deliver(4).await;
    assert_eq!(dead(&world).await, 4);
    check_press(&world, &one(1), 1).await;
    assert_eq!(dead(&world).await, 4, "what is wrong still is");

    world.fails.store(false, Relaxed);
    check_press(&world, &one(1), 1).await;
    assert_eq!(dead(&world).await, 3);
    check_press(&world, &one(1), 0).await;
    check_press(&world, ALL, 3).await;
    assert_eq!(dead(&world).await, 0);
    let page = world.page("/dashboard/events?replayed=3").await;
    assert!(page.contains("3 dead letters handed over again."), "{page}");
    assert!(!page.contains("<form"), "there is nothing left to replay:\n{page}");
}

#[actix_web::test]
async fn what_is_not_here_cannot_be_replayed() {
    let world = World::new().await;
    for (path, status) in [
        (one(1).replace("/shop/", "/bank/"), 404),
        (ALL.replace("/shop/", "/bank/"), 404),
        (ALL.replace("shop.note", "nobody"), 409),
        (one(1).replace("shop.note", "nobody"), 409),
    ] {
        assert_eq!(world.press(&path).await.status(), status, "{path}");
    }
}

#[actix_web::test]
async fn a_page_of_another_site_presses_no_button() {
    let world = World::new().await;
    world.deliver(1).await;
    world.fails.store(false, Relaxed);
    let own = format!("http://{HERE}");
    for (host, origin, site, status) in [
        (HERE, Some("https://evil.example"), Some("cross-site"), 403),
        (HERE, Some("null"), None, 403),
        (HERE, Some("http://127.0.0.1:9999"), Some("same-site"), 403),
        (HERE, None, None, 403),
        ("evil.example:8080", Some("http://evil.example:8080"), Some("same-origin"), 421),
        ("evil.example:8080", Some(own.as_str()), None, 421),
    ] {
        for path in [one(1), ALL.to_owned()] {
            let mut request = TestRequest::post().uri(&path).insert_header((HOST, host));
            request = match origin {
                Some(origin) => request.insert_header((ORIGIN, origin)),
                None => request,
            };
            request = match site {
                Some(site) => request.insert_header(("sec-fetch-site", site)),
                None => request,
            };
            let answer = world.answer(request).await;
            assert_eq!(answer.status(), status, "{host} {origin:?} {site:?}");
        }
    }
    world.engine.run_until_idle().await.expect("a store");
    assert_eq!(dead(&world).await, 1, "nobody has replayed it");
    let get = TestRequest::get().uri(ALL).insert_header((HOST, HERE));
    assert_ne!(world.answer(get).await.status(), 303, "a link is no button");
}
