use bytes::Bytes;
use kernel::CallContext;
use reqwest::{
    Method, Request, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use seam::{CallFailure, MethodDescriptor, OutgoingCall, WireContext, headers};
use tokens::HopSigner;

/// A call as it is sent, however often and to whichever replica.
pub(crate) struct Message<'a> {
    context: &'a CallContext,
    headers: HeaderMap,
    body: Bytes,
}

impl<'a> Message<'a> {
    /// Puts `call` into a message to `service`.
    pub(crate) fn new(
        signer: &HopSigner,
        service: &str,
        call: &OutgoingCall<'a>,
    ) -> Result<Self, CallFailure> {
        let token = signer.token_for(call.context.principal(), service).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                peer.service = service,
                "no token could be signed for a call"
            );
            CallFailure::unavailable(service)
        })?;
        let mut headers = HeaderMap::with_capacity(8);
        let wire = WireContext::from(call.context);
        for (name, value) in wire.to_headers() {
            headers.insert(HeaderName::from_static(name), header(service, value)?);
        }
        let mut bearer = header(service, format!("Bearer {token}"))?;
        bearer.set_sensitive(KEPT_OUT_OF_LOGS);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(Self { context: call.context, headers, body: Bytes::copy_from_slice(call.argument) })
    }

    /// The request to `url`, with the time that is left now.
    pub(crate) fn request(&self, url: Url) -> Request {
        let mut request = Request::new(Method::POST, url);
        let remaining = u64::try_from(self.context.remaining().as_millis()).unwrap_or(u64::MAX);
        *request.headers_mut() = self.headers.clone();
        request
            .headers_mut()
            .insert(HeaderName::from_static(headers::REMAINING_MS), remaining.into());
        *request.body_mut() = Some(self.body.clone().into());
        request
    }
}

const KEPT_OUT_OF_LOGS: bool = true;

/// Where `method` of `service` is found behind `base`.
pub(crate) fn url(base: &Url, service: &str, method: &MethodDescriptor) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        path.extend(["internal", service, method.port]);
        path.extend([&format!("v{}", method.version), method.name]);
    }
    url
}

fn header(service: &str, value: String) -> Result<HeaderValue, CallFailure> {
    HeaderValue::try_from(value).map_err(|error| CallFailure::incompatible(service, error))
}
