//! The dashboard's pages, as a browser without script gets them.

mod pages;
mod replay;
mod world;
