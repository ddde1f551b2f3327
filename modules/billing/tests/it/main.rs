//! The billing module over its routes, its port and its events.

mod claims;
mod completer;
mod contract;
mod customers;
mod entitlements;
mod events;
mod gateways;
mod invoices;
mod openapi;
mod parallel;
mod subscribing;
mod subscribing_again;
mod support;
mod tables;
mod usage;
mod webhooks;
