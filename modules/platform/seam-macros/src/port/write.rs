//! What the macro writes for a method.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, LitInt, LitStr};

use super::Method;

/// Where a method stands.
pub(super) struct Place<'a> {
    pub(super) service: &'a LitStr,
    pub(super) port: &'a str,
    pub(super) version: &'a LitInt,
    pub(super) index: usize,
}

/// The type that stands for a method. The underscores keep it apart from the author's own types.
pub(super) fn method_type(index: usize) -> Ident {
    format_ident!("__Method{index}")
}

impl Method {
    fn argument_type(&self) -> TokenStream {
        self.argument.as_ref().map_or_else(|| quote!(()), |ty| quote!(#ty))
    }

    /// A reference to what the method is given; to nothing where it is given nothing.
    fn given(&self) -> TokenStream {
        self.argument.as_ref().map_or_else(|| quote!(&()), |_| quote!(&argument))
    }

    fn signature(&self) -> TokenStream {
        let Self { name, value, error, .. } = self;
        let argument = self.argument.as_ref().map(|ty| quote!(, argument: #ty));
        quote!(async fn #name(&self, context: &CallContext #argument) -> ::core::result::Result<#value, #error>)
    }

    /// All that is asked of the method's types is asked here, so that the compiler reports one
    /// that does not fit once, and where the author wrote it.
    pub(super) fn declare(&self, place: &Place<'_>) -> TokenStream {
        let Place { service, port, version, index } = place;
        let (ty, argument, text) =
            (method_type(*index), self.argument_type(), self.name.to_string());
        let Self { kind, value, error, .. } = self;
        quote! {
            struct #ty;

            impl ::seam::Method for #ty {
                type Argument = #argument;
                type Value = #value;
                type Error = #error;

                const INDEX: usize = #index;
                const DESCRIPTOR: &'static ::seam::MethodDescriptor = &::seam::MethodDescriptor {
                    service: #service, port: #port, version: #version, name: #text, kind: #kind,
                };
            }
        }
    }

    pub(super) fn direct(&self, ty: &Ident) -> TokenStream {
        let (signature, name) = (self.signature(), &self.name);
        let argument = self.argument.as_ref().map(|_| quote!(, argument));
        let given = self.given();
        quote! {
            #signature {
                let call = ::seam::DirectCall::<#ty>::begin(&self.1, #given);
                call.make(async move {
                    let context = ::seam::nested::<#ty>(context);
                    let callee = ::seam::callee::<#ty, _>(&self.0)?;
                    ::seam::run::<#ty>(&context, callee.#name(&context #argument)).await
                })
                .await
            }
        }
    }

    pub(super) fn remote(&self, ty: &Ident) -> TokenStream {
        let signature = self.signature();
        let given = self.given();
        quote! {
            #signature {
                let context = ::seam::nested::<#ty>(context);
                ::seam::call::<#ty>(&*self.0, &self.1, &context, #given).await
            }
        }
    }

    pub(super) fn arm(&self, ty: &Ident) -> TokenStream {
        let (name, text) = (&self.name, self.name.to_string());
        let argument = self.argument.as_ref().map(|_| quote!(, argument));
        let pattern = if argument.is_some() { quote!(argument) } else { quote!(_) };
        quote! {
            #text => {
                ::seam::handle::<#ty, _, _>(
                    &self.0, context, argument,
                    |callee, #pattern| callee.#name(context #argument),
                )
                .await
            }
        }
    }
}
