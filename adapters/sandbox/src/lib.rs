//! Payments and a mailbox that work offline
