//! The scenarios, one file each. A new one is a file here and a line in [`all`].

mod browse_plans;
mod entitlements;
mod invitations;
mod invoices;
mod live;
mod log_in;
mod mixed_day;
mod one_read;
mod sign_up;
mod subscribe;
mod usage;
mod webhooks;

use std::sync::Arc;

use crate::scenario::Scenario;

/// All scenarios, in the order in which they are listed.
#[must_use]
pub fn all() -> Vec<Arc<dyn Scenario>> {
    vec![
        Arc::new(mixed_day::MixedDay::default()),
        Arc::new(sign_up::SignUp),
        Arc::new(log_in::LogIn),
        Arc::new(browse_plans::BrowsePlans),
        Arc::new(subscribe::Subscribe),
        Arc::new(usage::Usage),
        Arc::new(invoices::Invoices),
        Arc::new(entitlements::Entitlements),
        Arc::new(one_read::OneRead),
        Arc::new(invitations::Invitations),
        Arc::new(webhooks::Webhooks),
        Arc::new(live::Live),
    ]
}

/// The scenario of that name.
#[must_use]
pub fn named(name: &str) -> Option<Arc<dyn Scenario>> {
    all().into_iter().find(|scenario| scenario.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_fit_for_a_command_line() {
        let names: BTreeSet<&str> = all().iter().map(|scenario| scenario.name()).collect();
        assert_eq!(names.len(), all().len());
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(names.iter().all(|name| name.chars().all(plain)), "{names:?}");
    }

    #[test]
    fn an_opening_is_a_method_and_a_route() {
        for scenario in all() {
            let opening = scenario.opening(crate::scenario::dice(1, 1));
            let (method, route) = opening.split_once(' ').expect("two words");
            assert!(matches!(method, "GET" | "POST" | "DELETE"), "{opening}");
            assert!(route.starts_with('/'), "{opening}");
        }
    }
}
