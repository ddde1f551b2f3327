use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let input: DeriveInput = syn::parse2(item)?;
    let name = &input.ident;
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(name, "a contract's error is an enum"));
    };
    let has_call = data.variants.iter().any(|variant| {
        variant.ident == "Call"
            && matches!(&variant.fields, Fields::Unnamed(fields) if fields.unnamed.len() == 1)
    });
    if !has_call {
        return Err(Error::new_spanned(
            name,
            "a contract's error needs the variant `#[error(transparent)] #[serde(skip)] \
             Call(#[from] CallFailure)` for calls that brought no answer",
        ));
    }
    // With `Call` alone the wildcard arm would be unreachable.
    let otherwise = (data.variants.len() > 1).then(|| quote!(_ => ::core::option::Option::None,));
    Ok(quote! {
        impl ::seam::PortError for #name {
            fn call_failure(&self) -> ::core::option::Option<&::seam::CallFailure> {
                match self {
                    Self::Call(failure) => ::core::option::Option::Some(failure),
                    #otherwise
                }
            }
        }
    })
}
