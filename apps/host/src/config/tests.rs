use super::*;

fn read(values: &[(&str, &str)]) -> (Config, Mistakes) {
    let mut mistakes = Mistakes::default();
    let mut layers = Layers::of(values.iter().copied(), &mut mistakes);
    let known = ["auth", "billing"];
    let config = Config::read(&mut layers, &known, &["auth", "billing"], &mut mistakes);
    (config, mistakes)
}

#[test]
fn nothing_set_is_a_local_program_on_loopback() {
    let (config, mistakes) = read(&[]);
    assert_eq!(mistakes, Mistakes::default());
    assert_eq!(config.profile, Profile::Local);
    assert_eq!(config.public.origin(), "http://127.0.0.1:8080");
}

#[test]
fn every_mistake_is_told_at_once() {
    let (_, mistakes) = read(&[
        ("PROFILE", "staging"),
        ("PUBLIC__BIND", "localhost"),
        ("PUBLIC__WORKERS", "many"),
        ("PUBLIC__REQUEST_SECONDS", "0"),
        ("PUBLIC__COLOUR", "blue"),
        ("PUBLIC__ALLOWED_ORIGINS", "[\"https://app.example.com/\"]"),
        ("MODULES__BILLING__URLS", "[]"),
        ("MODULES__SHIPPING__URLS", "[\"ftp://x\"]"),
        ("LOG__FORMAT", "xml"),
    ]);
    let text = mistakes.to_string();
    for place in [
        "profile:",
        "public.bind:",
        "public.workers:",
        "public.request_seconds:",
        "public.colour:",
        "public.allowed_origins: `https://app.example.com/`",
        "modules.billing.urls:",
        "modules.shipping: there is no such module",
        "`ftp://x`",
        "log.format:",
    ] {
        assert!(text.contains(place), "{place} is missing in\n{text}");
    }
}

#[test]
fn a_program_that_others_can_reach_needs_an_explicit_profile() {
    let reachable = ("PUBLIC__BIND", "0.0.0.0:80");
    assert!(read(&[reachable]).1.to_string().contains("public.bind"));
    let explicit = [("PROFILE", "production"), reachable, ("PUBLIC__ORIGIN", "https://a.example")];
    assert_eq!(read(&explicit).1, Mistakes::default());
}

#[test]
fn a_token_of_digits_stays_a_text() {
    let (config, mistakes) = read(&[("INTERNAL__OPERATOR_TOKEN", "12345678901234567")]);
    assert_eq!(mistakes, Mistakes::default());
    let token = config.internal.operator_token.expect("it was set");
    assert_eq!(token.expose(), "12345678901234567");
}

#[test]
fn a_module_that_is_not_linked_must_be_somewhere() {
    let mut mistakes = Mistakes::default();
    let mut layers = Layers::of([], &mut mistakes);
    Config::read(&mut layers, &["auth", "billing"], &["auth"], &mut mistakes);
    assert!(mistakes.to_string().contains("modules.billing.urls"));
}
