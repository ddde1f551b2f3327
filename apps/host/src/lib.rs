//! What every program does
