//! The team's commands
