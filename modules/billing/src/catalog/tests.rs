use super::*;

#[test]
fn the_shipped_price_list_is_valid() {
    let catalog = Catalog::shipped();
    assert_eq!(catalog.default_plan().id, "free");
    assert_eq!(catalog.default_plan().seats.max, 2);
    assert!(catalog.has_meter("api_calls"));
    let (plan, price) = catalog.price("team_monthly_eur").expect("on sale");
    assert_eq!((plan.id.as_str(), price.unit()), ("team", Money::new(1_200, Currency::EUR)));
}

#[test]
fn an_archived_plan_is_known_but_not_on_sale() {
    let text = include_str!("../../plans.toml")
        .replace("id = \"team\"\n", "id = \"team\"\narchived = true\n");
    let catalog = Catalog::parse(&text).expect("a valid list");
    assert!(catalog.plan("team").is_some());
    assert!(catalog.price("team_monthly_eur").is_none());
    assert!(catalog.on_sale().all(|plan| plan.id != "team"));
}

#[test]
fn every_mistake_is_told_at_once() {
    let error = Catalog::parse(
        r#"
        [[meters]]
        id = "calls"
        name = "Calls"
        [[meters]]
        id = "calls"
        name = "Calls again"
        [[plans]]
        id = "Team Plan"
        name = ""
        features = ["Single sign-on"]
        seats = { min = 3, max = 2 }
        meters = { call = { included = 1 } }
        prices = [
            { id = "p", currency = "euro", unit_amount = 0, interval = "week" },
            { id = "p", currency = "EUR", unit_amount = 9_000_000_000_000_000_000, interval = "month" },
        ]
        [[plans]]
        id = "gold"
        name = "Gold"
        seats = { min = 0, max = 2 }
        "#,
    )
    .expect_err("mistakes");
    insta::assert_snapshot!(mistakes(error));
}

#[test]
fn there_is_one_default_plan_and_it_is_free_for_ever() {
    let error = Catalog::parse(
        r#"
        [[plans]]
        id = "a"
        name = "A"
        default = true
        archived = true
        seats = { min = 1, max = 2 }
        prices = [{ id = "p", currency = "EUR", unit_amount = 1, interval = "month" }]
        [[plans]]
        id = "b"
        name = "B"
        default = true
        seats = { min = 1, max = 2 }
        "#,
    )
    .expect_err("mistakes");
    insta::assert_snapshot!(mistakes(error));
}

#[test]
fn a_misspelt_key_is_told() {
    let error = Catalog::parse("plans = []\n[[meter]]\nid = \"x\"").expect_err("a mistake");
    assert!(matches!(&error, CatalogError::Format(_)), "{error:?}");
    assert!(error.to_string().contains("unknown field `meter`"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Catalog::read(Path::new("/nowhere/plans.toml")).expect_err("no file");
    assert!(error.to_string().starts_with("cannot read /nowhere/plans.toml: "), "{error}");
}

fn mistakes(error: CatalogError) -> String {
    match error {
        CatalogError::Mistakes(mistakes) => mistakes.join("\n"),
        other => panic!("{other}"),
    }
}
