//! The callee's side of calls between programs, on the internal listener.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
    web::{self, Data, Path, Payload, ServiceConfig},
};
use kernel::CallContext;
pub use seam::ServedPort;
use seam::{CallFailure, Handled, PortDescriptor, Reply, Timing, WireContext, headers};
use serde::Deserialize;
use tokens::{Caller, HopVerifier};

use crate::{Problem, body, caller::bearer, observe};

/// The longest argument of a call, in bytes: 8 MiB.
pub const ARGUMENT_LIMIT: usize = 8 * 1024 * 1024;

/// Serves `served` at `POST /internal/{service}/{port}/v{version}/{method}` to programs whose
/// token `verifier` takes. For [`crate::internal_app`].
///
/// What a port answered is told by the header [`headers::OUTCOME`]; an answer without it, such as
/// a 401, is not from a port. Of a call that was begun, [`headers::SERVER_TIMING`] tells how long it
/// took. A caller that goes away cancels its call (see
/// [`crate::HALF_CLOSED`]).
pub fn ports(
    served: Vec<ServedPort>,
    verifier: impl Into<Arc<HopVerifier>>,
) -> impl Fn(&mut ServiceConfig) + Clone + Send + Sync + 'static {
    let switchboard = Arc::new(Switchboard { served, verifier: verifier.into() });
    move |config| {
        config
            .app_data(Data::from(Arc::clone(&switchboard)))
            .route("/internal/{service}/{port}/v{version}/{method}", web::post().to(take_call));
    }
}

struct Switchboard {
    /// A handful, so that a search in order beats a map.
    served: Vec<ServedPort>,
    verifier: Arc<HopVerifier>,
}

#[derive(Deserialize)]
struct Address {
    service: String,
    port: String,
    /// As text, so that a version that is no number is answered as an unknown one.
    version: String,
    method: String,
}

impl Switchboard {
    fn find(&self, address: &Address) -> Result<&ServedPort, CallFailure> {
        let Address { service, port, version, .. } = address;
        let fits = |descriptor: &PortDescriptor| {
            descriptor.name == port && version.parse() == Ok(descriptor.version)
        };
        self.served
            .iter()
            .find(|served| served.service == *service && fits(served.dispatch.port()))
            .ok_or_else(|| {
                let detail = format!("no `{port}` version {version} is served here");
                CallFailure::incompatible(service, detail)
            })
    }
}

async fn take_call(
    switchboard: Data<Switchboard>,
    request: HttpRequest,
    address: Path<Address>,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let caller = switchboard.verifier.verify(bearer(&request)?, &address.service);
    let Caller { principal, program } = caller.map_err(|error| {
        Problem::token_refused("token-invalid", "The token of the calling program is not valid")
            .caused_by(error)
    })?;
    let header = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let served = match switchboard.find(&address) {
        Ok(served) => served,
        Err(failure) => return Ok(answer(Reply::Failed(failure))),
    };
    let context = match WireContext::from_headers(principal, header) {
        Ok(wire) => CallContext::from(wire).with_program(program),
        Err(error) => {
            let failure = CallFailure::incompatible(&address.service, error);
            return Ok(answer(Reply::Failed(failure)));
        }
    };
    let argument = match body::collect(&request, payload.into_inner(), ARGUMENT_LIMIT).await {
        Ok(argument) => argument,
        Err(problem) => {
            let failure = CallFailure::incompatible(&address.service, problem);
            return Ok(answer(Reply::Failed(failure)));
        }
    };
    let queue = observe::since_arrival(&request);
    let handled = served.dispatch.dispatch(&context, &address.method, &argument).await;
    let Handled { reply, timing } = handled;
    let mut response = answer(reply);
    tell(&mut response, Timing { queue, ..timing });
    Ok(response)
}

/// Tells the caller how long its call took.
fn tell(response: &mut HttpResponse, timing: Timing) {
    if let Ok(value) = HeaderValue::from_str(&timing.to_server_timing()) {
        response.headers_mut().insert(HeaderName::from_static(headers::SERVER_TIMING), value);
    }
}

const fn outcome(reply: &Reply) -> &'static str {
    match reply {
        Reply::Done(_) => "done",
        Reply::Refused(_) => "refused",
        Reply::Failed(_) => "failed",
    }
}

fn answer(reply: Reply) -> HttpResponse {
    let (outcome, status) = (outcome(&reply), status(&reply));
    let mut response = HttpResponse::build(status);
    response.insert_header((headers::OUTCOME, outcome)).content_type("application/json");
    match reply {
        Reply::Done(body) | Reply::Refused(body) => response.body(body),
        Reply::Failed(failure) => response.json(failure),
    }
}

const fn status(reply: &Reply) -> StatusCode {
    match reply {
        Reply::Done(_) => StatusCode::OK,
        Reply::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Reply::Failed(CallFailure::Unavailable { .. }) => StatusCode::SERVICE_UNAVAILABLE,
        Reply::Failed(CallFailure::DeadlineExceeded { .. }) => StatusCode::GATEWAY_TIMEOUT,
        Reply::Failed(CallFailure::OutcomeUnknown { .. }) => StatusCode::INTERNAL_SERVER_ERROR,
        Reply::Failed(CallFailure::Incompatible { .. }) => StatusCode::NOT_IMPLEMENTED,
    }
}
