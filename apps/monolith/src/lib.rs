//! Every module in one process
