//! What must not compile, and what its user reads. Each file holds one row of mistakes; the files
//! in `pass` hold their neighbours, one token away, which compile.

#[test]
fn mistakes_are_explained() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/ui/pass/*.rs");
    cases.compile_fail("tests/ui/*.rs");
}
