//! The macros of the seam. Use them through the `seam` crate.

mod port;
mod port_error;

use proc_macro::TokenStream;

/// Makes a trait a port: `#[port(service = "billing", version = 1)]`.
///
/// Every method is `async`, is marked `#[call(read)]` or `#[call(write)]`, takes `&self`,
/// `&CallContext` and at most one owned argument, and returns `Result<T, E>`, where the argument
/// and `T` are wire types and `E` derives `PortError`. With `mock`, the trait also gets a
/// `mockall` mock behind the crate's feature `testing`.
#[proc_macro_attribute]
pub fn port(arguments: TokenStream, item: TokenStream) -> TokenStream {
    port::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}

/// Derives `seam::PortError` for an enum with the variant `Call(CallFailure)`.
#[proc_macro_derive(PortError)]
pub fn port_error(item: TokenStream) -> TokenStream {
    port_error::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
