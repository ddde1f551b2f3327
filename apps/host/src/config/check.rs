//! What must hold of the settings beyond their types.

use std::collections::BTreeSet;

use kernel::Secret;

use super::{Config, InternalConfig, LocalCalls, Mistakes, Profile, secrets};

impl Config {
    pub(super) fn read_operator_token(&mut self, mistakes: &mut Mistakes) {
        let InternalConfig { operator_token, operator_token_file, .. } = &mut self.internal;
        let file = operator_token_file.as_deref();
        secrets::from_file("internal.operator_token", operator_token, file, mistakes);
        let short = |token: &Secret| token.expose().len() < 16;
        if self.internal.operator_token.as_ref().is_some_and(short) {
            mistakes.add("internal.operator_token", "has at least 16 characters");
        }
    }

    pub(super) fn check_listeners(&self, profile_is_explicit: bool, mistakes: &mut Mistakes) {
        for (name, bind) in [("public", self.public.bind), ("internal", self.internal.bind)] {
            if !bind.ip().is_loopback() && !profile_is_explicit {
                mistakes.add(
                    format!("{name}.bind"),
                    format!(
                        "{bind} can be reached from other machines, and no `profile` is set; set \
                         `profile = \"production\"`, or bind to 127.0.0.1"
                    ),
                );
            }
        }
        if self.public.bind == self.internal.bind && self.public.bind.port() != 0 {
            mistakes.add("internal.bind", "is another address than `public.bind`");
        }
        let bounded = [
            ("public.request_seconds", self.public.request_seconds, 1, 300),
            ("public.workers", self.public.workers as u64, 1, 256),
            ("public.max_body_bytes", self.public.max_body_bytes as u64, 1024, 100 * 1024 * 1024),
            ("internal.workers", self.internal.workers as u64, 1, 256),
            ("internal.drain_seconds", self.internal.drain_seconds, 1, 120),
        ];
        for (key, value, least, most) in bounded {
            if !(least..=most).contains(&value) {
                mistakes.add(key, format!("is between {least} and {most}, not {value}"));
            }
        }
        if let Some(origin) = &self.public.origin {
            check_url("public.origin", origin, mistakes);
        } else if self.profile == Profile::Production {
            mistakes.add("public.origin", "is needed in production: links in mails begin with it");
        }
        if self.seam.local == LocalCalls::Loopback && !self.profile.allows_sandbox() {
            mistakes.add("seam.local", "`loopback` is for tests: it makes calls arrive twice");
        }
    }

    pub(super) fn check_modules(&self, known: &[&str], linked: &[&str], mistakes: &mut Mistakes) {
        let named: BTreeSet<&String> = self.modules.keys().chain(self.databases.keys()).collect();
        for name in named.into_iter().filter(|name| !known.contains(&name.as_str())) {
            mistakes.add(
                format!("modules.{name}"),
                format!("there is no such module, only {}", known.join(", ")),
            );
        }
        for (name, remote) in &self.modules {
            let place = format!("modules.{name}");
            if remote.urls.is_empty() {
                mistakes.add(format!("{place}.urls"), "names at least one internal listener");
            }
            for url in remote.urls.iter().chain(&remote.public_urls) {
                check_url(&place, url, mistakes);
            }
        }
        for name in known {
            if !linked.contains(name) && !self.modules.contains_key(*name) {
                mistakes.add(
                    format!("modules.{name}.urls"),
                    "this program does not contain the module: say where it runs",
                );
            }
        }
    }
}

fn check_url(place: &str, url: &str, mistakes: &mut Mistakes) {
    let parsed = reqwest::Url::parse(url);
    let good = parsed.is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.has_host() && url.path() == "/"
    });
    if !good {
        mistakes.add(place, format!("`{url}` is no origin such as http://127.0.0.1:8080"));
    }
}
