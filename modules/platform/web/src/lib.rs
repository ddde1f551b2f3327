//! The public and the internal HTTP edge
