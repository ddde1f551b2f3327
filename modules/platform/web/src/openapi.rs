//! What all modules share in the OpenAPI document.

use std::collections::BTreeMap;

use kernel::{
    Currency, Cursor, InvitationId, InvoiceId, NotificationId, Role, SubscriptionId, TenantId,
    Timestamp, UserId,
};
use utoipa::{
    IntoResponses, ToSchema,
    openapi::{
        ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
        ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::PROBLEM_JSON;

/// The answers that any route may give besides its own, for `responses(…)` of `#[utoipa::path]`.
/// A route that lists one of these statuses itself says more about it, and is listed after.
#[derive(Clone, Copy, Debug)]
pub struct StandardErrors;

impl IntoResponses for StandardErrors {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        [
            ("400", "The request is malformed."),
            ("401", "There is no access token, or one that does not hold."),
            ("403", "The caller may not do this."),
            ("404", "There is no such resource, or it is not the caller's to see."),
            ("413", "The body is too large."),
            ("415", "The body is not JSON."),
            ("422", "The body has an unknown field or a value that is refused."),
            ("429", "Too many requests; try again after `Retry-After`."),
            ("500", "Something went wrong on our side."),
            ("503", "A part of the service is unavailable; try again after `Retry-After`."),
            ("504", "The request took longer than it may."),
        ]
        .into_iter()
        .map(|(status, description)| (status.to_owned(), RefOr::T(problem(description))))
        .collect()
    }
}

fn problem(description: &str) -> Response {
    let schema = Ref::from_schema_name(ProblemDocument::name());
    ResponseBuilder::new()
        .description(description)
        .content(PROBLEM_JSON, Content::new(Some(schema)))
        .build()
}

/// What went wrong (RFC 9457). Further members tell more, depending on `type`.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "stands for the schema; `Problem` writes the document")]
struct ProblemDocument {
    /// Names the kind of problem; clients act on it.
    #[schema(example = "urn:ashlar:problem:invalid-body")]
    r#type: String,
    /// The same in words, alike for every occurrence.
    title: String,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is particular to this occurrence.
    detail: Option<String>,
    /// Names the request; quote it to support.
    trace_id: Option<String>,
}

/// Takes away the shared schemas that no route uses.
pub(crate) fn without_unused(mut document: OpenApi) -> OpenApi {
    loop {
        // References stand in many places of the document; in its JSON they all look alike.
        let text = serde_json::to_string(&document).unwrap_or_default();
        let Some(components) = &mut document.components else { return document };
        let before = components.schemas.len();
        components
            .schemas
            .retain(|name, _| text.contains(&format!("\"#/components/schemas/{name}\"")));
        if components.schemas.len() == before {
            return document;
        }
    }
}

/// The document before any module has added to it.
pub(crate) fn document() -> OpenApi {
    let mut nested = Vec::new();
    ProblemDocument::schemas(&mut nested);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The `access_token` of a login."))
        .build();
    let components = ComponentsBuilder::new()
        .schemas_from_iter(nested)
        .schema_from::<ProblemDocument>()
        // utoipa collects the schemas of bodies only, and these may stand in a path or a query.
        .schema_from::<Cursor>()
        .schema_from::<Currency>()
        .schema_from::<InvitationId>()
        .schema_from::<InvoiceId>()
        .schema_from::<NotificationId>()
        .schema_from::<Role>()
        .schema_from::<SubscriptionId>()
        .schema_from::<TenantId>()
        .schema_from::<Timestamp>()
        .schema_from::<UserId>()
        .security_scheme("bearer", SecurityScheme::Http(bearer))
        .build();
    let info = InfoBuilder::new().title("Ashlar").version(env!("CARGO_PKG_VERSION")).build();
    OpenApiBuilder::new().info(info).components(Some(components)).build()
}
