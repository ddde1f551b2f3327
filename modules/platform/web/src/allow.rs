//! Which methods a path takes, for the answer to a wrong one.

use std::collections::BTreeSet;

use actix_web::dev::ResourceDef;
use utoipa::openapi::path::{PathItem, Paths};

/// The methods of every documented path. actix tells a wrong method from a wrong path only within
/// one resource, and each handler is a resource of its own.
pub(crate) struct AllowTable(Vec<(ResourceDef, Vec<&'static str>)>);

impl AllowTable {
    pub(crate) fn new(paths: &Paths) -> Self {
        let rows = paths.paths.iter();
        Self(rows.map(|(path, item)| (ResourceDef::new(path.as_str()), methods(item))).collect())
    }

    /// The value of `Allow` (RFC 9110 §10.2.1); `None` where there is no such path.
    pub(crate) fn methods(&self, path: &str) -> Option<String> {
        let rows = self.0.iter().filter(|(pattern, _)| pattern.is_match(path));
        let allowed: BTreeSet<&str> = rows.flat_map(|(_, methods)| methods).copied().collect();
        let allowed: Vec<&str> = allowed.into_iter().collect();
        (!allowed.is_empty()).then(|| allowed.join(", "))
    }
}

fn methods(item: &PathItem) -> Vec<&'static str> {
    let operations = [
        ("DELETE", &item.delete),
        ("GET", &item.get),
        // Every GET is also served as HEAD.
        ("HEAD", &item.get),
        ("PATCH", &item.patch),
        ("POST", &item.post),
        ("PUT", &item.put),
    ];
    operations.iter().filter(|(_, operation)| operation.is_some()).map(|(name, _)| *name).collect()
}
