use advisor::Thresholds;

#[test]
fn the_defaults_are_good() {
    assert_eq!(Thresholds::default().mistakes(), []);
}

#[test]
fn all_mistakes_are_told_at_once() {
    let wrong = Thresholds {
        cpu: 70.0,
        connections: 0.0,
        rows: f64::NAN,
        reasons: 5,
        ..Thresholds::default()
    };
    let names: Vec<&str> = wrong.mistakes().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["cpu", "connections", "rows", "reasons"]);
}
