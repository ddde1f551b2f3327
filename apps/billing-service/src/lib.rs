//! The billing module as a program of its own
