//! The schema of the auth module
