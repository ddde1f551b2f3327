//! What tells faults that are alike from others.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{desk::Fault, shape};

/// Names all faults that are alike, in every run and every replica.
///
/// It is made of the kind, the module, the place, and the [`shape`]s of the message and of its causes: the
/// same failure for another tenant, of another row or after another time has the same. It changes with
/// a panic's line, and with what a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64);

impl Fingerprint {
    pub(super) fn of(fault: &Fault) -> Self {
        let Fault { kind, module, message, causes, place } = fault;
        let texts = [message].into_iter().chain(causes).map(|text| shape(text));
        let known = [kind.name(), module, place].map(str::to_owned);
        let mut digest = Sha256::new();
        for part in known.into_iter().chain(texts) {
            // No part has it in it, so that none can be taken for two.
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        let digest: [u8; 32] = digest.finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::errors::ErrorKind;

    fn fault() -> Fault {
        Fault {
            kind: ErrorKind::Error,
            module: "billing",
            message: "charge 17 of `ada@example.com` cannot be settled".to_owned(),
            causes: vec!["the database of billing failed".to_owned()],
            place: "POST /v1/billing/subscriptions".to_owned(),
        }
    }

    #[test]
    fn other_values_make_no_other_fault() {
        let other = Fault {
            message: "charge 4711 of `grace@example.com` cannot be settled".to_owned(),
            ..fault()
        };
        assert_eq!(Fingerprint::of(&other), Fingerprint::of(&fault()));
    }

    #[test]
    fn whatever_else_differs_makes_another_fault() {
        let others = [
            Fault { kind: ErrorKind::Panic, ..fault() },
            Fault { module: "auth", ..fault() },
            Fault {
                message: "charge 17 of `ada@example.com` is contradicted".to_owned(),
                ..fault()
            },
            Fault { causes: vec!["the store of billing is locked".to_owned()], ..fault() },
            Fault { causes: Vec::new(), ..fault() },
            Fault { place: "GET /v1/billing/invoices".to_owned(), ..fault() },
        ];
        let mut seen: Vec<_> = others.iter().map(Fingerprint::of).collect();
        seen.push(Fingerprint::of(&fault()));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), others.len() + 1);
    }

    /// Trackers remember it from one release to the next.
    #[test]
    fn it_stays_the_same() {
        assert_eq!(Fingerprint::of(&fault()).to_string(), "967eaeffbecef91c");
    }
}
