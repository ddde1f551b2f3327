//! What pages show, and what they never do.

use actix_web::{
    http::header::{CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY},
    test::TestRequest,
};

use crate::world::{EVIL, HERE, TRACE, World, text};

const ESCAPED: &str = "&lt;script&gt;alert(1)&lt;/script&gt;";

fn check_has(page: &str, parts: &[&str]) {
    for part in parts {
        assert!(page.contains(part), "{part} is missing in\n{page}");
    }
    assert!(!page.contains(EVIL), "a stranger's markup is in\n{page}");
}

#[actix_web::test]
async fn the_map_has_modules_edges_and_the_same_in_a_table() {
    let page = World::new().await.page("/").await;
    check_has(
        &page,
        &[
            r#"<g class="node local">"#,
            r#"<g class="node remote">"#,
            r#"<text class="note" x="852" y="236">127.0.0.1:9081</text>"#,
            r#"<g class="edge calls quiet">"#,
            "<caption id=\"calls\">",
            r#"<td class="number">41</td>"#,
            r#"<a href="http://127.0.0.1:8081">its dashboard</a>"#,
            r#"<a href="http://127.0.0.1:9080/metrics">"#,
            r#"<a href="/docs/">"#,
            "docs/runbooks/README.md",
            ESCAPED,
        ],
    );
}

#[actix_web::test]
async fn traces_are_listed_and_drawn() {
    let world = World::new().await;
    let link = format!(r#"href="/dashboard/traces/{TRACE:032x}">POST /v1/things</a>"#);
    let list = world.page("/dashboard/traces").await;
    let marks = ["<td>503</td>", r#"<span class="mark bad">failed"#, r#"<span class="mark slow">"#];
    check_has(&list, &[&link]);
    check_has(&list, &marks);
    let part = format!(r#"<a href="http://127.0.0.1:8081/dashboard/traces/{TRACE:032x}">its part"#);
    let trace = world.page(&format!("/dashboard/traces/{TRACE:032x}")).await;
    // The client's span begins ten of the 700 milliseconds after the request.
    let bar = r#"<rect x="14.3" y="0" width="500.0" height="10">"#;
    check_has(&trace, &["Level 2: ", "BankApi/pay", bar, ESCAPED, &part]);
    for missing in ["0", "7", "no-number"] {
        let path = format!("/dashboard/traces/{missing}");
        let request = TestRequest::get().uri(&path).insert_header((HOST, HERE));
        assert_eq!(world.answer(request).await.status(), 404);
    }
}

#[actix_web::test]
async fn events_show_what_was_sent_and_where_the_others_are() {
    let world = World::new().await;
    world.deliver(2).await;
    let page = world.page("/dashboard/events").await;
    check_has(
        &page,
        &[
            r#"<dd class="bad">2</dd>"#,
            "shop.made",
            "Replay all of shop.note",
            r#"<td class="number">41</td>"#,
            r#"<a href="http://127.0.0.1:8081/dashboard/events">"#,
            ESCAPED,
        ],
    );
}

#[actix_web::test]
async fn mails_are_text_with_links() {
    let world = World::new().await;
    let body = format!("{EVIL} http://127.0.0.1:8080/verify-email?token=a&b=\"x\" javascript:x");
    world.mail("one", "ada@example.com", &body, "<p>Hi</p>").await;
    world.mail("two", "bob@example.com", "Hello", EVIL).await;
    let page = world.page("/dashboard/mailbox").await;
    let link = r#"<a href="http://127.0.0.1:8080/verify-email?token=a&amp;b=" rel="noreferrer">"#;
    check_has(&page, &[link, ESCAPED, "bob@example.com"]);
    assert!(!page.contains(r#"href="javascript"#), "{page}");
    let page = world.page("/dashboard/mailbox?to=ADA@example.com").await;
    assert!(page.contains("ada@example.com") && !page.contains("bob@"), "{page}");

    let request = TestRequest::get().uri("/dashboard/mailbox/two").insert_header((HOST, HERE));
    let answer = world.answer(request).await;
    let policy = answer
        .headers()
        .get(CONTENT_SECURITY_POLICY)
        .expect("a policy")
        .to_str()
        .expect("text")
        .to_owned();
    assert!(policy.starts_with("sandbox; default-src 'none';"), "{policy}");
    assert_eq!(text(answer).await, EVIL, "as it was sent, where it can do nothing");
}

#[actix_web::test]
async fn every_page_lets_nothing_in_from_elsewhere() {
    let world = World::new().await;
    for path in [
        "/",
        "/dashboard/traces",
        "/dashboard/events",
        "/dashboard/mailbox",
        "/verify-email?token=%22%3E%3Cscript%3E",
        "/accept-invitation?token=x",
    ] {
        let answer = world.answer(TestRequest::get().uri(path).insert_header((HOST, HERE))).await;
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let policy = header(CONTENT_SECURITY_POLICY).expect("a policy").to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(header(REFERRER_POLICY), Some("same-origin"), "or forms do not say whose");
        let page = text(answer).await;
        for inline in [" style=", "<style", "<script>", " onclick=", "javascript:"] {
            assert!(!page.contains(inline), "{path} has {inline}:\n{page}");
        }
    }
}

#[actix_web::test]
async fn another_name_is_not_answered() {
    let world = World::new().await;
    for path in ["/", "/dashboard/mailbox", "/dashboard/style.css", "/verify-email?token=x"] {
        let request = TestRequest::get().uri(path).insert_header((HOST, "evil.example:8080"));
        assert_eq!(world.answer(request).await.status(), 421, "{path}");
    }
}
