//! The billing module
