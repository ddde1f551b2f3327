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
fn a_dsn_is_read_from_a_file_and_a_mistake_in_it_repeats_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("dsn");
    let file = path.to_str().expect("a path that is text");
    std::fs::write(&path, "https://the-key@errors.example.com/1\n").expect("it can be written");
    let (config, mistakes) = read(&[("TELEMETRY__SENTRY_DSN_FILE", file)]);
    assert_eq!(mistakes, Mistakes::default());
    let dsn = config.telemetry.sentry_dsn.as_ref().expect("a DSN");
    assert_eq!(dsn.expose(), "https://the-key@errors.example.com/1");
    assert!(!format!("{config:?}").contains("the-key"));

    let (_, mistakes) = read(&[("TELEMETRY__SENTRY_DSN", "https://the-key@errors.example.com")]);
    let text = mistakes.to_string();
    assert!(text.contains("telemetry.sentry_dsn: is the DSN"), "{text}");
    assert!(!text.contains("the-key"), "{text}");
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

#[test]
fn a_module_may_say_where_its_data_are_and_stay_here() {
    let (config, mistakes) = read(&[
        ("STORE__ENGINE", "postgres"),
        ("POSTGRES__URL", "postgres://10.0.0.1/shared"),
        ("POSTGRES__APP_PASSWORD", "of all"),
        ("MODULES__BILLING__POSTGRES__URL", "postgres://10.0.0.2:6432/billing"),
        ("MODULES__BILLING__POSTGRES__SYSTEM_PASSWORD", "of billing"),
    ]);
    assert_eq!(mistakes, Mistakes::default());
    assert!(config.modules.is_empty(), "billing does not run elsewhere");
    let billing = config.database_of("billing").expect("it has a URL");
    assert_eq!(billing.url, "postgres://10.0.0.2:6432/billing");
    assert_eq!(billing.app_password.expect("all have").expose(), "of all");
    assert_eq!(billing.system_password.expect("its own").expose(), "of billing");
    let auth = config.database_of("auth").expect("the shared one");
    assert_eq!((auth.url.as_str(), auth.system_password), ("postgres://10.0.0.1/shared", None));
}

/// All that is wrong with `values` for a program with auth and billing in it.
fn of_stores(values: &[(&str, &str)]) -> String {
    let (config, mut mistakes) = read(values);
    config.check_stores(&["auth", "billing"], &mut mistakes);
    if mistakes == Mistakes::default() { String::new() } else { mistakes.to_string() }
}

const PRODUCTION: [(&str, &str); 2] =
    [("PROFILE", "production"), ("PUBLIC__ORIGIN", "https://app.example.com")];

#[test]
fn production_says_which_engine_it_means() {
    assert!(of_stores(&PRODUCTION).contains("store.engine: is `postgres` or `sqlite`"));
    let [profile, origin] = PRODUCTION;
    assert_eq!(of_stores(&[profile, origin, ("STORE__ENGINE", "sqlite")]), "");
    assert_eq!(of_stores(&[]), "");
}

#[test]
fn every_mistake_about_postgres_is_told_at_once() {
    let [profile, origin] = PRODUCTION;
    let text = of_stores(&[
        profile,
        origin,
        ("STORE__ENGINE", "postgres"),
        ("POSTGRES__URL", "postgres://ada:hunter2@10.0.0.1/shared?sslmode=require"),
        ("POSTGRES__CONNECTIONS", "0"),
        ("POSTGRES__SYSTEM_CONNECTIONS", "51"),
        ("POSTGRES__ACQUIRE_SECONDS", "10"),
        ("POSTGRES__APP_PASSWORD_FILE", "/nowhere/app"),
        ("POSTGRES__POOLER", "session"),
        ("MODULES__BILLING__POSTGRES__URL", "postgres://10.0.0.2/billing"),
    ]);
    for place in [
        "postgres.url: holds no user and no password",
        "postgres.connections: is between 1 and 200, not 0",
        "postgres.system_connections: is between 1 and 50, not 51",
        "postgres.acquire_seconds: is less than `public.request_seconds`",
        "postgres.app_password_file: /nowhere/app",
        "postgres.pooler:",
        "modules.billing.postgres.url: leads to another machine",
        "postgres.system_password: is needed in production, for the role billing_system",
    ] {
        assert!(text.contains(place), "{place} is missing in\n{text}");
    }
    assert!(!text.contains("hunter2"), "a password was told:\n{text}");
}

#[test]
fn a_database_url_is_whole_and_holds_no_secret() {
    let told = |url: &str| {
        let text = of_stores(&[("STORE__ENGINE", "postgres"), ("POSTGRES__URL", url)]);
        text.lines().nth(1).unwrap_or_default().to_owned()
    };
    for good in [
        "postgres://db/ashlar",
        "postgresql://[::1]:5433/ashlar?sslmode=disable",
        "postgres://db:6432/ashlar?sslmode=verify-full&sslrootcert=/etc/ca.pem",
        "postgres:///ashlar?host=/run/postgresql",
    ] {
        assert_eq!(told(good), "", "{good}");
    }
    for (bad, why) in [
        ("mysql://db/ashlar", "is such as"),
        ("postgres://db", "names the database"),
        ("postgres:///ashlar", "names no host"),
        ("postgres://ada@db/ashlar", "holds no user"),
        ("postgres://db/ashlar?password=x", "`password` means nothing there"),
        ("postgres://db/ashlar?sslmode=on", "`sslmode` is one of"),
    ] {
        assert!(told(bad).contains(why), "{bad}: {}", told(bad));
    }
    assert!(of_stores(&[("STORE__ENGINE", "postgres")]).contains("postgres.url: is needed"));
    let forgotten = of_stores(&[("POSTGRES__URL", "postgres://db/ashlar")]);
    assert!(forgotten.contains("store.engine: is not set, but `postgres.url` is"), "{forgotten}");
}

#[test]
fn nothing_goes_to_another_machine_in_clear_unless_that_is_said() {
    let [profile, origin] = PRODUCTION;
    let told = |url: &str| {
        let passwords = [("POSTGRES__APP_PASSWORD", "a"), ("POSTGRES__SYSTEM_PASSWORD", "b")];
        let values = [profile, origin, ("STORE__ENGINE", "postgres"), ("POSTGRES__URL", url)];
        of_stores(&[&values[..], &passwords[..]].concat())
    };
    for good in [
        "postgres://localhost/ashlar",
        "postgres://127.0.0.1/ashlar",
        "postgres:///ashlar?host=/run/postgresql",
        "postgres://db/ashlar?sslmode=disable",
        "postgres://db/ashlar?sslmode=require",
    ] {
        assert_eq!(told(good), "", "{good}");
    }
    for bad in ["postgres://db/ashlar", "postgres://db/ashlar?sslmode=prefer"] {
        assert!(told(bad).contains("leads to another machine"), "{bad}");
    }
}

#[test]
fn no_key_goes_to_another_machine_in_clear() {
    const KEY: &str = "hunter2";
    let [profile, origin] = PRODUCTION;
    let told = |values: &[(&str, &str)]| {
        let (_, mistakes) = read(values);
        let text =
            if mistakes == Mistakes::default() { String::new() } else { mistakes.to_string() };
        assert!(!text.contains(KEY), "a key was told:\n{text}");
        text
    };
    let dsn = |host: &str| format!("{host}/1").replace("://", &format!("://{KEY}@"));
    let authorization = ("TELEMETRY__AUTHORIZATION", KEY);
    for good in ["https://10.0.0.1", "http://127.0.0.1:4318", "http://[::1]", "http://localhost"] {
        assert_eq!(told(&[profile, origin, ("TELEMETRY__SENTRY_DSN", &*dsn(good))]), "", "{good}");
        let endpoint = ("TELEMETRY__ENDPOINT", good);
        assert_eq!(told(&[profile, origin, endpoint, authorization]), "", "{good}");
    }
    for bad in ["http://10.0.0.1:4318", "http://errors.example.com", "http://localhost.example.com"]
    {
        let dsn = dsn(bad);
        let tracker = ("TELEMETRY__SENTRY_DSN", &*dsn);
        let text = told(&[profile, origin, tracker]);
        assert!(text.contains("telemetry.sentry_dsn: leads to another machine"), "{bad}: {text}");
        let collector = ("TELEMETRY__ENDPOINT", bad);
        let text = told(&[profile, origin, collector, authorization]);
        assert!(text.contains("telemetry.endpoint: leads to another machine"), "{bad}: {text}");
        assert_eq!(told(&[profile, origin, collector]), "", "no key goes to {bad}");
        assert_eq!(told(&[("PROFILE", "test"), tracker, collector, authorization]), "", "{bad}");
        let safe = ("TELEMETRY__PLAINTEXT", "true");
        assert_eq!(told(&[profile, origin, tracker, collector, authorization, safe]), "", "{bad}");
    }
}

#[test]
fn migrate_needs_somebody_who_may_and_the_same_database() {
    let told = |admin: &[(&str, &str)]| {
        let values =
            [("STORE__ENGINE", "postgres"), ("POSTGRES__URL", "postgres://pooler:6432/ashlar")];
        let (config, mut mistakes) = read(&[&values[..], admin].concat());
        let url = config.admin_url_of("billing", &mut mistakes);
        url.map_or_else(|| mistakes.to_string(), |url| url.expose().to_owned())
    };
    assert!(told(&[]).contains("postgres.admin_url: is needed to migrate billing"));
    let nobody = ("POSTGRES__ADMIN_URL", "postgres://db/ashlar");
    assert!(told(&[nobody]).contains("names the user"));
    let elsewhere = ("POSTGRES__ADMIN_URL", "postgres://root:hunter2@db/other");
    let refused = told(&[elsewhere]);
    assert!(refused.contains("is another database") && !refused.contains("hunter2"), "{refused}");
    let right = ("POSTGRES__ADMIN_URL", "postgres://root:x@db/ashlar");
    assert_eq!(told(&[right]), right.1);
    let own = ("MODULES__BILLING__POSTGRES__ADMIN_URL", "postgres://billing_dba@db/ashlar");
    assert_eq!(told(&[right, own]), own.1);
}

#[test]
fn every_mistake_about_the_broker_is_told_at_once() {
    let [profile, origin] = PRODUCTION;
    let text = read(&[
        profile,
        origin,
        ("EVENTS__BUS", "rabbitmq"),
        ("RABBITMQ__URL", "amqp://ashlar:hunter2@10.0.0.1/%2f"),
        ("RABBITMQ__PREFIX", "a b"),
        ("RABBITMQ__PREFETCH", "0"),
    ])
    .1
    .to_string();
    for place in
        ["rabbitmq.url: leads to another machine", "rabbitmq.prefix:", "rabbitmq.prefetch:"]
    {
        assert!(text.contains(place), "{place} is missing in\n{text}");
    }
    assert!(!text.contains("hunter2"), "a password was told:\n{text}");
    assert!(read(&[("EVENTS__BUS", "rabbitmq")]).1.to_string().contains("rabbitmq.url: is needed"));
    let v6 = [("EVENTS__BUS", "rabbitmq"), ("RABBITMQ__URL", "amqps://[::1]")];
    assert!(read(&v6).1.to_string().contains("names the broker by an IPv6 address"));
    for url in ["amqp://guest:guest@127.0.0.1:5672/%2f", "amqps://10.0.0.1"] {
        let values = [profile, origin, ("EVENTS__BUS", "rabbitmq"), ("RABBITMQ__URL", url)];
        assert_eq!(read(&values).1, Mistakes::default(), "{url}");
    }
}

#[test]
fn a_secret_file_wins_and_is_not_empty() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("token");
    let path = path.to_str().expect("a path that is text");
    let settings = [
        ("INTERNAL__OPERATOR_TOKEN", "what the environment says"),
        ("INTERNAL__OPERATOR_TOKEN_FILE", path),
    ];
    std::fs::write(path, "what the file says\n").expect("it can be written");
    let (config, mistakes) = read(&settings);
    assert_eq!(mistakes, Mistakes::default());
    let token = config.internal.operator_token.expect("it was set");
    assert_eq!(token.expose(), "what the file says");
    std::fs::write(path, "\n").expect("it can be written");
    assert!(read(&settings).1.to_string().contains("internal.operator_token_file:"));
}

#[test]
fn recent_traces_are_a_developers() {
    let recent = |values: &[(&str, &str)]| {
        let (config, mistakes) = read(values);
        (config.keeps_recent_traces(), mistakes.to_string().contains("telemetry.recent_traces"))
    };
    let asked = ("TELEMETRY__RECENT_TRACES", "true");
    assert_eq!(recent(&[]), (true, false));
    assert_eq!(recent(&[("PROFILE", "test")]), (false, false));
    assert_eq!(recent(&[("PROFILE", "test"), asked]), (true, false));
    assert_eq!(recent(&[("PROFILE", "production")]), (false, false));
    assert!(recent(&[("PROFILE", "production"), asked]).1, "production has no dashboard");
}
