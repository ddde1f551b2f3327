//! Several processes of each program beside each other.

mod postgres;
