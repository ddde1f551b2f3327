//! The notifications module
