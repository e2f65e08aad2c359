//! What must not compile, and what its user reads. Each file holds one row of mistakes; the file
//! of the same name in `pass` is one token away from it, and compiles.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
