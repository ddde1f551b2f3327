//! The journey suite: the public API driven as a client would, in every shape
