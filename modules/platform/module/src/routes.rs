use std::collections::{BTreeMap, BTreeSet};

use seam::{EventRoutes, ModuleDescriptor};

/// Routes events as the modules' descriptors say: to each module that takes the type.
#[derive(Clone, Debug, Default)]
pub struct SubscriptionRoutes(BTreeMap<&'static str, Vec<String>>);

impl SubscriptionRoutes {
    /// Routes among `modules`: those that run somewhere, in this process or in another. What is
    /// written for a module that runs nowhere would wait for ever.
    pub fn among<'a>(modules: impl IntoIterator<Item = &'a ModuleDescriptor>) -> Self {
        let mut routes: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for module in modules {
            for event_type in module.consumes {
                let destinations = routes.entry(event_type).or_default();
                if !destinations.iter().any(|name| name == module.name) {
                    destinations.push(module.name.to_owned());
                }
            }
        }
        Self(routes)
    }
}

impl EventRoutes for SubscriptionRoutes {
    fn destinations(&self, event_type: &str) -> Vec<String> {
        self.0.get(event_type).cloned().unwrap_or_default()
    }

    fn destinations_of(&self, publisher: &str) -> Vec<String> {
        let is_its = |event_type: &str| event_type.split('.').next() == Some(publisher);
        let its = self.0.iter().filter(|(event_type, _)| is_its(event_type));
        let all: BTreeSet<&String> = its.flat_map(|(_, destinations)| destinations).collect();
        all.into_iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_goes_to_each_module_that_takes_it() {
        let module = |name, consumes| ModuleDescriptor { name, public_prefixes: &[], consumes };
        let billing = module("billing", &["auth.tenant_created"]);
        let mails = module("notifications", &["auth.tenant_created", "billing.invoice_paid"]);
        let routes = SubscriptionRoutes::among([&billing, &mails, &billing]);
        assert_eq!(routes.destinations("auth.tenant_created"), ["billing", "notifications"]);
        assert_eq!(routes.destinations("billing.invoice_paid"), ["notifications"]);
        assert!(routes.destinations("auth.unheard_of").is_empty());
        assert_eq!(routes.destinations_of("auth"), ["billing", "notifications"]);
        assert_eq!(routes.destinations_of("billing"), ["notifications"]);
        assert!(routes.destinations_of("notifications").is_empty());
    }
}
