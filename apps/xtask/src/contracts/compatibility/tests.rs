//! The schemas are derived from types, as the contracts' are, so that the rules are tested on what
//! utoipa really writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{PartialSchema as _, ToSchema};

use super::*;

/// Declares types in a module of their own, so that two versions can have one name.
macro_rules! version {
    ($name:ident { $($item:item)* }) => {
        mod $name {
            use super::*;
            $(
                #[derive(Serialize, Deserialize, ToSchema)]
                #[serde(rename_all = "snake_case")]
                $item
            )*
        }
    };
}

version!(v1 {
    #[serde(tag = "type")]
    pub(super) enum Refusal { Forbidden, TooMany { limit: u32 } }
    pub(super) struct Thing { pub(super) id: u32, pub(super) part: Part, pub(super) tags: Vec<String> }
    pub(super) struct Part { pub(super) name: String }
    pub(super) enum Colour { Red, Green }
    pub(super) enum Mixed { Plain, Full { size: u32 } }
    #[serde(deny_unknown_fields)]
    pub(super) struct Closed { pub(super) id: u32 }
    pub(super) struct Tree { pub(super) name: String, #[schema(no_recursion)] pub(super) children: Vec<Tree> }
    pub(super) struct Bounded { #[schema(minimum = 1, maximum = 10)] pub(super) count: u32 }
});

/// A port with one method, written as `seam` writes it.
fn port<A: ToSchema, T: ToSchema, E: ToSchema>() -> Document {
    let mut nested = Vec::new();
    A::schemas(&mut nested);
    T::schemas(&mut nested);
    E::schemas(&mut nested);
    let schemas: BTreeMap<String, Value> =
        nested.into_iter().map(|(name, schema)| (name, json!(schema))).collect();
    let method = json!({
        "kind": "read", "argument": A::schema(), "result": T::schema(), "refusals": E::schema(),
    });
    let content = json!({ "methods": { "get": method }, "schemas": schemas });
    Document { file: "things.ThingsApi.v1.json".to_owned(), content }
}

fn breaks(old: &Document, new: &Document) -> Vec<String> {
    broken(std::slice::from_ref(old), std::slice::from_ref(new), &[])
}

/// `Old` became `New`: what that breaks as an argument, and what as a result.
fn changed<Old: ToSchema, New: ToSchema>() -> [Vec<String>; 2] {
    [
        breaks(&port::<Old, (), v1::Refusal>(), &port::<New, (), v1::Refusal>()),
        breaks(&port::<(), Old, v1::Refusal>(), &port::<(), New, v1::Refusal>()),
    ]
}

#[track_caller]
fn check_breaks<Old: ToSchema, New: ToSchema>(said: [Option<&str>; 2]) {
    for (found, said) in changed::<Old, New>().into_iter().zip(said) {
        match said {
            None => assert_eq!(found, Vec::<String>::new()),
            Some(said) => {
                assert_eq!(found.len(), 1, "{found:#?}");
                assert!(found[0].contains(said), "`{said}` is not in {found:#?}");
                assert!(found[0].contains("Instead, add"), "{found:#?}");
            }
        }
    }
}

#[test]
fn what_has_not_changed_breaks_nothing() {
    check_breaks::<v1::Thing, v1::Thing>([None, None]);
    check_breaks::<v1::Tree, v1::Tree>([None, None]);
    check_breaks::<v1::Mixed, v1::Mixed>([None, None]);
}

#[test]
fn the_name_of_a_type_is_not_on_the_wire() {
    version!(v2 {
        pub(super) struct Item { pub(super) id: u32, pub(super) part: Piece, pub(super) tags: Vec<String> }
        pub(super) struct Piece { pub(super) name: String }
    });
    check_breaks::<v1::Thing, v2::Item>([None, None]);
}

#[test]
fn a_new_optional_field_passes() {
    version!(v2 {
        pub(super) struct Thing { pub(super) id: u32, pub(super) part: Part, pub(super) tags: Vec<String>, pub(super) note: Option<String> }
        pub(super) struct Part { pub(super) name: String, pub(super) parent: Option<u32> }
    });
    check_breaks::<v1::Thing, v2::Thing>([None, None]);
}

#[test]
fn a_new_field_breaks_a_side_that_refuses_unknown_fields() {
    version!(v2 {
        #[serde(deny_unknown_fields)]
        pub(super) struct Closed { pub(super) id: u32, pub(super) note: Option<String> }
    });
    check_breaks::<v1::Closed, v2::Closed>([
        Some("the previous server refuses"),
        Some("the previous client refuses"),
    ]);
}

#[test]
fn a_new_required_field_breaks_both_sides() {
    version!(v2 {
        pub(super) struct Part { pub(super) name: String, pub(super) size: u32 }
    });
    check_breaks::<v1::Part, v2::Part>([
        Some("get argument.size: a required field was added, and the previous client omits it"),
        Some("get result.size: a required field was added, and the previous server omits it"),
    ]);
}

#[test]
fn a_field_may_not_vanish_even_deep_inside() {
    version!(v2 {
        pub(super) struct Thing { pub(super) id: u32, pub(super) part: Part, pub(super) tags: Vec<String> }
        pub(super) struct Part { pub(super) label: Option<String> }
    });
    check_breaks::<v1::Thing, v2::Thing>([
        Some("get argument.part.name: the field was removed"),
        Some("get result.part.name: the field was removed"),
    ]);
}

#[test]
fn a_field_may_not_change_its_type() {
    version!(v2 {
        pub(super) struct Thing { pub(super) id: u64, pub(super) part: Part, pub(super) tags: Vec<String> }
        pub(super) struct Part { pub(super) name: String }
    });
    let said = Some(".id: was integer (int32), is integer (int64)");
    check_breaks::<v1::Thing, v2::Thing>([said, said]);
    version!(v3 {
        pub(super) struct Part { pub(super) name: Vec<String> }
    });
    let said = Some(".name: was a plain value, is a list");
    check_breaks::<v1::Part, v3::Part>([said, said]);
}

#[test]
fn an_items_type_counts() {
    version!(v2 {
        pub(super) struct Thing { pub(super) id: u32, pub(super) part: Part, pub(super) tags: Vec<u32> }
        pub(super) struct Part { pub(super) name: String }
    });
    let said = Some(".tags[]: was string, is integer (int32)");
    check_breaks::<v1::Thing, v2::Thing>([said, said]);
}

#[test]
fn optional_and_required_may_not_change_places() {
    version!(v2 {
        pub(super) struct Part { pub(super) name: Option<String> }
    });
    check_breaks::<v1::Part, v2::Part>([
        Some("became optional, and the previous server requires it"),
        Some("became optional, and the previous client requires it"),
    ]);
    check_breaks::<v2::Part, v1::Part>([
        Some("became required, and the previous client may omit it"),
        Some("became required, and the previous server may omit it"),
    ]);
}

#[test]
fn an_enum_may_grow_in_an_argument_only() {
    version!(v2 {
        pub(super) enum Colour { Red, Green, Blue }
        pub(super) enum Mixed { Plain, Full { size: u32 }, Empty }
    });
    check_breaks::<v1::Colour, v2::Colour>([None, Some("`blue`: the value is new")]);
    check_breaks::<v1::Mixed, v2::Mixed>([None, Some("`empty`: the value is new")]);
}

#[test]
fn an_enum_may_not_shrink() {
    version!(v2 {
        pub(super) enum Colour { Red }
        pub(super) enum Mixed { Plain }
    });
    let said = ["the previous client sends it", "the previous server sends it"].map(Some);
    check_breaks::<v1::Colour, v2::Colour>(said);
    check_breaks::<v1::Mixed, v2::Mixed>(said);
}

#[test]
fn a_variants_fields_count() {
    version!(v2 {
        pub(super) enum Mixed { Plain, Full { size: String } }
    });
    let said = Some("was integer (int32), is string");
    check_breaks::<v1::Mixed, v2::Mixed>([said, said]);
}

#[test]
fn bounds_may_widen_and_not_narrow_in_an_argument() {
    version!(v2 {
        pub(super) struct Bounded { #[schema(minimum = 1, maximum = 9)] pub(super) count: u32 }
    });
    check_breaks::<v1::Bounded, v2::Bounded>([Some("`maximum` is narrower"), None]);
    check_breaks::<v2::Bounded, v1::Bounded>([None, None]);
}

#[test]
fn a_type_that_holds_itself_is_compared_once() {
    version!(v2 {
        pub(super) struct Tree { pub(super) name: u32, #[schema(no_recursion)] pub(super) children: Vec<Tree> }
    });
    let [argument, _] = changed::<v1::Tree, v2::Tree>();
    assert!(argument.iter().any(|found| found.contains("argument.name")), "{argument:#?}");
    assert!(argument.len() <= 2, "{argument:#?}");
}

#[test]
fn refusals_may_grow_and_not_shrink() {
    version!(v2 {
        #[serde(tag = "type")]
        pub(super) enum Grown { Forbidden, TooMany { limit: u32 }, Closed }
        #[serde(tag = "type")]
        pub(super) enum Changed { Forbidden, TooMany { limit: String } }
    });
    let old = port::<(), (), v1::Refusal>();
    let grown = port::<(), (), v2::Grown>();
    assert_eq!(breaks(&old, &grown), Vec::<String>::new());
    assert!(breaks(&grown, &old)[0].contains("`closed`: the value was removed"));
    let changed = breaks(&old, &port::<(), (), v2::Changed>());
    assert!(changed[0].contains("`too_many`.limit: was integer (int32), is string"), "{changed:?}");
}

#[test]
fn a_method_keeps_its_name_its_kind_and_its_argument() {
    let with = |name: &str| {
        let method = json!({ "kind": "read", "result": {}, "refusals": {} });
        let content = json!({ "methods": { name: method }, "schemas": {} });
        Document { file: "things.ThingsApi.v1.json".to_owned(), content }
    };
    assert!(breaks(&with("get"), &with("put"))[0].contains("get: the method was removed"));
    let mut written = with("get");
    written.content["methods"]["get"]["kind"] = "write".into();
    assert!(breaks(&with("get"), &written)[0].contains("was a \"read\", is a \"write\""));
    let mut argued = with("get");
    argued.content["methods"]["get"]["argument"] = json!({ "type": "string" });
    assert!(breaks(&with("get"), &argued)[0].contains("an argument was added or removed"));
}

#[test]
fn a_contract_may_go_only_when_it_is_retired() {
    let old = [port::<(), (), v1::Refusal>()];
    assert!(broken(&old, &[], &[])[0].contains("list it under RETIRED"));
    assert_eq!(broken(&old, &[], &["things.ThingsApi.v1.json"]), Vec::<String>::new());
    assert_eq!(broken(&[], &old, &[]), Vec::<String>::new());
}

#[test]
fn an_event_is_read_by_its_consumers() {
    version!(v2 {
        pub(super) struct Part { pub(super) name: String, pub(super) size: u32 }
    });
    let event = |payload: Value| Document {
        file: "events/things.done.v1.json".to_owned(),
        content: json!({ "payload": payload, "schemas": {} }),
    };
    let (old, new) = (event(json!(v1::Part::schema())), event(json!(v2::Part::schema())));
    let found = breaks(&old, &new);
    assert!(found[0].contains("the previous server omits it"), "{found:?}");
    assert!(found[0].contains("new type of event"), "{found:?}");
}
