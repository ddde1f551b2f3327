//! The schema of the notifications module
