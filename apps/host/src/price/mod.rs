//! What a hop to another program costs on this machine, measured by making some: the part of
//! [`seam::price`] that cannot be counted.

mod hop;
mod lab;

pub(crate) use self::hop::{Hops, measure};
