mod read;
mod write;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, ItemTrait, Result, Type};

use read::{Arguments, read_methods};
use write::{Place, method_type};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut port: ItemTrait = syn::parse2(item)?;
    let read = (syn::parse2(arguments), read_methods(&mut port));
    let (Arguments { service, version, mock }, methods) = match read {
        (Ok(arguments), Ok(methods)) => (arguments, methods),
        (Err(mistakes), _) | (_, Err(mistakes)) => {
            let mistakes = mistakes.into_compile_error();
            // The trait stays, so that nothing else is said to be missing.
            return Ok(quote!(#mistakes #[::seam::async_trait] #port));
        }
    };

    for bound in [quote!(::core::marker::Send), quote!(::core::marker::Sync), quote!('static)] {
        port.supertraits.push(syn::parse2(bound)?);
    }
    let name = &port.ident;
    let name_text = name.to_string();
    let count = methods.len();
    let declared = methods.iter().enumerate().map(|(index, method)| {
        method.declare(&Place { service: &service, port: &name_text, version: &version, index })
    });
    let indices: Vec<Ident> = (0..count).map(method_type).collect();
    let direct = methods.iter().zip(&indices).map(|(method, ty)| method.direct(ty));
    let remote = methods.iter().zip(&indices).map(|(method, ty)| method.remote(ty));
    let arms = methods.iter().zip(&indices).map(|(method, ty)| method.arm(ty));
    let automock = mock.then(|| quote!(#[cfg_attr(feature = "testing", ::mockall::automock)]));

    Ok(quote! {
        #automock
        #[::seam::async_trait]
        #port

        const _: () = {
            use ::seam::private::CallContext;

            #(#declared)*

            static __METHODS: [&::seam::MethodDescriptor; #count] =
                [#(<#indices as ::seam::Method>::DESCRIPTOR),*];
            static __PORT: ::seam::PortDescriptor = ::seam::PortDescriptor {
                service: #service, name: #name_text, version: #version, methods: &__METHODS,
            };

            struct __Direct(::seam::Slot<dyn #name>, ::seam::Counters);
            struct __Remote(::std::sync::Arc<dyn ::seam::Transport>, ::seam::Counters);
            struct __Server(::seam::Slot<dyn #name>);

            #[::seam::async_trait]
            impl #name for __Direct { #(#direct)* }

            #[::seam::async_trait]
            impl #name for __Remote { #(#remote)* }

            #[::seam::async_trait]
            impl ::seam::Dispatch for __Server {
                fn port(&self) -> &'static ::seam::PortDescriptor {
                    &__PORT
                }

                async fn dispatch(
                    &self, context: &CallContext, method: &str, argument: &[u8],
                ) -> ::seam::Handled {
                    match method {
                        #(#arms)*
                        unknown => ::seam::unknown_method(&__PORT, unknown),
                    }
                }
            }

            impl ::seam::Port for dyn #name {
                fn descriptor() -> &'static ::seam::PortDescriptor {
                    &__PORT
                }

                fn direct_counted(
                    slot: ::seam::Slot<Self>, counters: ::seam::Counters,
                ) -> ::std::sync::Arc<Self> {
                    ::std::sync::Arc::new(__Direct(slot, counters))
                }

                fn remote_counted(
                    transport: ::std::sync::Arc<dyn ::seam::Transport>,
                    counters: ::seam::Counters,
                ) -> ::std::sync::Arc<Self> {
                    ::std::sync::Arc::new(__Remote(transport, counters))
                }

                fn server(slot: ::seam::Slot<Self>) -> ::std::sync::Arc<dyn ::seam::Dispatch> {
                    ::std::sync::Arc::new(__Server(slot))
                }

                fn schema() -> ::seam::private::Value {
                    ::seam::SchemaBuilder::new(&__PORT)#(.method::<#indices>())*.build()
                }
            }
        };
    })
}

/// A method that was found fit to cross a seam.
struct Method {
    name: Ident,
    kind: TokenStream,
    argument: Option<Type>,
    value: Type,
    error: Type,
}
