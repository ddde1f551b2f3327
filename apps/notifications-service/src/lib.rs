//! The notifications module as a program of its own
