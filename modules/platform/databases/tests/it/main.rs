//! What the databases of tests stand on.

mod postgres;
