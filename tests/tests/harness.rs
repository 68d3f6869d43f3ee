//! The harness must fail where it should: each case here is wrong in one way.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use deepdms_tests::case::Case;
use deepdms_tests::place::Place;
use deepdms_tests::verdict::judge;

/// Writes a case into a scratch folder and judges it.
fn outcome(name: &str, deck: &str, case: &str) -> Result<String, String> {
    let place = Place::find().unwrap_or_else(|reason| panic!("{reason}"));
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("harness")
        .join(name);
    let folder = scratch.join("case");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("in.lmp"), deck).unwrap();
    fs::write(
        folder.join("case.toml"),
        format!("about = 'made to fail'\n{case}"),
    )
    .unwrap();
    judge(&place, &Case::read(&folder)?, &folder, &scratch.join("run"))
}

fn refused(name: &str, deck: &str, case: &str, message: &str) {
    let problem = outcome(name, deck, case).expect_err("the case was made to fail");
    assert!(problem.contains(message), "{problem}");
}

#[test]
fn a_right_case_passes() {
    let case = "output = ['hello']\n[results.x]\nvalue = [1, 2]\n[results.y]\nat_most = 0";
    outcome(
        "right",
        "print 'RESULT x 1 2'\nprint 'RESULT y -1'\nprint hello",
        case,
    )
    .unwrap();
}

#[test]
fn a_wrong_number_fails() {
    let case = "[results.x]\nvalue = 1\nrelative = 1e-9";
    refused(
        "number",
        "print 'RESULT x 1.00000001'",
        case,
        "x: number 1 of 1 is 1.0000000",
    );
    refused(
        "missing",
        "print 'RESULT z 1'",
        case,
        "no line 'RESULT x ..' was printed",
    );
    refused(
        "bound",
        "print 'RESULT x 2'",
        "[results.x]\nat_most = 1",
        "is not between -inf and 1e0",
    );
    refused(
        "nan",
        "print 'RESULT x nan'",
        "[results.x]\nat_most = 1",
        "is not between",
    );
}

#[test]
fn the_error_must_be_the_expected_one() {
    let deck = "pair_style no/such";
    refused(
        "other",
        deck,
        "error = 'x'",
        "LAMMPS says\n    Unrecognized pair style 'no/such'",
    );
    refused("none", "print hello", "error = 'x'", "but there was none");
    refused(
        "unexpected",
        deck,
        "output = ['LAMMPS']",
        "LAMMPS stopped: Unrecognized pair style",
    );
}

#[test]
fn text_must_be_there_or_absent() {
    refused(
        "lacking",
        "print hello",
        "output = ['good bye']",
        "the output lacks 'good bye'",
    );
    refused(
        "present",
        "print hello",
        "output = ['LAMMPS']\nno_output = ['hello']",
        "must not hold 'hello'",
    );
}

#[test]
fn ranks_must_agree() {
    let deck = "print 'RESULT ranks $(extract_setting(world_size))'";
    let case = "ranks = [1, 2]\n[agreement]\nrelative = 1e-12";
    refused(
        "agreement",
        deck,
        case,
        "on 2 ranks: ranks against 1 ranks: number 1 of 1 is 2.0",
    );
    outcome("except", deck, &format!("{case}\nexcept = ['ranks']")).unwrap();
}

#[test]
fn each_deck_has_its_own_ranks() {
    let deck = "print 'RESULT ranks $(extract_setting(world_size))'";
    let case = "decks = ['in.lmp', 'in.lmp']\nranks = [[1, 2]]\n[results.ranks]\nvalue = [1, 2]";
    outcome("decks", deck, case).unwrap();
}

#[test]
fn a_run_that_hangs_is_ended_with_all_its_ranks() {
    let deck = "label again\njump SELF again";
    let start = Instant::now();
    refused(
        "hang",
        deck,
        "ranks = [2]\ntimeout = 2\noutput = ['x']",
        "in.lmp on 2 ranks ran longer than 2 s",
    );
    assert!(start.elapsed() < Duration::from_secs(30));
}
