//! Commands that are understood, and mistakes that are named.

use super::{Broken, Centre, Command, Fast, MobilityHost, Nearness, Rule, Slow, Threshold};

fn host(period: i64) -> MobilityHost {
    MobilityHost {
        version: String::new(),
        units: "metal".to_owned(),
        timestep: 0.002,
        dimension: 3,
        types: 2,
        periodic: [true; 3],
        writes: false,
        period,
        skip: if period > 0 { 3 } else { 0 },
    }
}

fn parse(line: &str) -> Result<Command, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let period = if line.starts_with("dms") { 1000 } else { 0 };
    Command::parse(&words, &host(period)).map_err(|error| error.to_string())
}

fn message(line: &str) -> String {
    parse(line).unwrap_err()
}

#[test]
fn every_keyword_is_understood() {
    let command = parse(
        "2.5 nskip 4 lags 3 1 2 5 returns 2 smooth 5 10 com group umin 1.2 1.3 fast top 0.05 slow bottom 0.1 bytype yes \
         cutoff 1 2 3.4 cutoff 2 2 4.0 cage lost 3 1.1 strings chain delta 1 1 1.5 delta 1 2 1.6 delta 2 2 1.7 long 8 \
         percolation no shuffle 7 99 fs 2 2.7 3.1 overlap 0.8 d2min yes calib 6 hist h file f summary s members m force yes",
    )
    .unwrap();
    let s = &command.settings;
    assert_eq!((command.clock.interval, s.time), (1250, 2.5));
    assert_eq!((s.skip, s.calibration, s.returns, s.long), (4, 6, 2, 8));
    assert_eq!(
        (&s.lags[..], &s.waves[..]),
        (&[1, 2, 5][..], &[2.7, 3.1][..])
    );
    assert_eq!((command.clock.snapshots, command.clock.spacing), (5, 10));
    assert_eq!(s.geometry.centre, Centre::Group);
    assert_eq!(s.threshold, Threshold::Given(vec![1.2, 1.3]));
    assert_eq!((&s.fast, &s.slow), (&Fast::Top(0.05), &Slow::Bottom(0.1)));
    assert_eq!(s.cutoffs, [(1, 2, 3.4), (2, 2, 4.0)]);
    assert_eq!((s.broken, s.hysteresis), (Broken::Count(3), 1.1));
    assert_eq!(s.strings, Some(Rule::Chain));
    assert_eq!(
        s.nearness,
        Nearness::Given(vec![(1, 1, 1.5), (1, 2, 1.6), (2, 2, 1.7)])
    );
    assert!(s.by_type && s.nonaffine && !s.percolation && command.force);
    assert_eq!((s.shuffles, s.seed, s.overlap), (7, 99, Some(0.8)));
    assert_eq!(command.hist.as_deref(), Some("h"));
    assert_eq!(command.members.as_deref(), Some("m"));
}

#[test]
fn windows_follow_the_periods_and_the_unused_cycles_of_a_fix_dms() {
    let command = parse("dms d 2 phase 90").unwrap();
    assert_eq!((command.clock.interval, command.clock.phase), (2000, 250));
    // three cycles are two windows of two
    assert_eq!(
        (command.settings.skip, command.settings.calibration),
        (2, 2)
    );
    let command = parse("dms d 1 nskip 0 half yes").unwrap();
    assert_eq!(
        (command.settings.skip, command.settings.calibration),
        (0, 1)
    );
    assert!(command.clock.halves);
}

#[test]
fn mistakes_are_named() {
    for (line, text) in [
        ("", "the window has no value"),
        (
            "0.005",
            "window of 0.005 time units is not a whole number of timesteps; nearest are 0.004 and 0.006",
        ),
        ("-1", "the window of -1 time units must be positive"),
        (
            "dms d 0",
            "a window has one period of fix dms or more, not 0",
        ),
        (
            "dms d 1 phase 10.1",
            "phase 10.1 degrees falls between timesteps of the period",
        ),
        (
            "2 phase 90",
            "phase belongs to the period of a fix dms: give the window as dms fix-ID k, or leave phase out",
        ),
        (
            "2 umin x",
            "umin needs auto, gauss, or a value for every type",
        ),
        (
            "2 umin 1.0",
            "a value of umin is missing for type 2: give one for every type",
        ),
        ("2 fast cut", "fast cut needs a value for every type"),
        (
            "2 fast top 1.5",
            "top and bottom fractions must be between 0 and 1 and not overlap",
        ),
        (
            "2 delta 1 1 0.6",
            "a delta is missing for types 1 and 2: give one for every pair",
        ),
        (
            "2 delta 1 1",
            "delta needs a fraction, or two types and a distance",
        ),
        ("2 cutoff 1 x 3", "cutoff needs a type, not 'x'"),
        ("2 cage 0.5", "the factor of cage has no value"),
        (
            "2 half yes",
            "half is for windows of one period of a fix dms: give the window as dms fix-ID 1, or leave half out",
        ),
        (
            "2 smooth 0 1",
            "smooth needs one snapshot or more, and a timestep or more between them",
        ),
        (
            "2 strings some",
            "strings 'some' does not exist: it is one of donati, chain, no",
        ),
    ] {
        assert_eq!(message(line), text, "{line}");
    }
    assert!(message("2 speed 3").starts_with("unknown keyword 'speed': the keywords are nskip, "));
}
