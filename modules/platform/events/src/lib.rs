//! The relay, the inbox, work for later and dead letters
