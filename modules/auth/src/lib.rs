//! The auth module
