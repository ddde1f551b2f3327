//! The HTTP transport of the seam
