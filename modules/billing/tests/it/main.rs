//! The billing module over its routes, its port and its events.

mod completer;
mod contract;
mod entitlements;
mod events;
mod gateways;
mod invoices;
mod openapi;
mod subscribing;
mod subscribing_again;
mod support;
mod usage;
