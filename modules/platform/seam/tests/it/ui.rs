//! What must not compile does not, with a message that says what to do.

#[test]
fn what_cannot_cross_a_seam_does_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
