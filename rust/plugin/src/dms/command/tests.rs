//! Commands that are understood, and mistakes that are named.

use super::{Command, DmsBoxKind, Lateral, Mode, Request, Tones, check_box};

fn parse(line: &str) -> Result<Command, String> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    Command::parse(&words).map_err(|error| error.to_string())
}

#[test]
fn every_keyword_is_understood() {
    let command = parse(
        "100 xx 0.01 1000.0 cycles 22 nskip 2 block 3 detrend quadratic harmonics 2 ramp 1 phase 90 lateral free \
         ref values 10 11 12.5 stress virial file a.csv summary a.json units native round yes vscale yes \
         stop rel 0.05 min 8 fdt no checkpoint b.state resume c.state",
    )
    .unwrap();
    let request = &command.request;
    assert_eq!(
        (request.sample_every, request.cycles, request.skip),
        (100, Some(22), Some(2))
    );
    assert_eq!((request.block, request.harmonics, request.ramp), (3, 2, 1));
    assert_eq!(
        (request.amplitude, request.period, request.phase),
        (0.01, 1000.0, 90.0)
    );
    assert!(request.round && request.virial_headline && request.scale_velocities);
    assert!(request.lateral == Lateral::Free && !request.fluctuations);
    let stop = request.stop.unwrap();
    assert_eq!((stop.relative, stop.cycles), (0.05, 8));
    assert_eq!(command.reference_lengths, Some([10.0, 11.0, 12.5]));
    assert_eq!(
        (command.file.as_deref(), command.summary.as_deref()),
        (Some("a.csv"), Some("a.json"))
    );
    let states = (command.checkpoint.as_deref(), command.resume.as_deref());
    assert_eq!(states, (Some("b.state"), Some("c.state")));
}

#[test]
fn mistakes_are_named() {
    let message = |line| parse(line).unwrap_err();
    assert_eq!(message("100 xx 0.01"), "the period has no value");
    assert_eq!(
        message("ten xx 0.01 1"),
        "Nevery needs a whole number of 0 or more, not 'ten'"
    );
    assert_eq!(
        message("10 xx 1% 1"),
        "the amplitude needs a number, not '1%'"
    );
    assert_eq!(
        message("10 xx 0.01 1 skip 2"),
        "unknown keyword 'skip': the keywords are cycles, nskip, block, detrend, harmonics, \
         ramp, phase, lateral, tones, tones/auto, vscale, drive, ref, stress, stop, fdt, peratom, atomvolume, shell, nonaffine, \
         file, summary, checkpoint, resume, units, round"
    );
    assert_eq!(
        message("10 xx 0.01 1 lateral open"),
        "lateral 'open' does not exist: it is one of fixed, volume, free"
    );
    assert_eq!(
        message("10 xx 0.01 1 detrend cubic"),
        "unknown trend 'cubic': the keyword detrend takes none, linear or quadratic"
    );
    assert_eq!(
        message("10 xx 0.01 1 ref values 1 0 1"),
        "ref values: the box length 0 is not positive"
    );
    assert_eq!(
        message("10 none 0 1 ref values 10 11 12.5"),
        "ref belongs to a strain, and mode none has none: leave ref out"
    );
    assert_eq!(
        message("10 xx 0.01 1 peratom cs"),
        "the interval of peratom has no value"
    );
    assert_eq!(
        message("10 xx 0.01 1 peratom cs 10 atomvolume c_v[0]"),
        "atomvolume 'c_v[0]' does not exist: it is mean, c_ID or c_ID[i]"
    );
    assert_eq!(
        message("10 xx 0.01 1 peratom cs 10 shell -1"),
        "shell -1: the radius of the neighbours to average over must be positive"
    );
    assert_eq!(
        message("10 xx 0.01 1 nonaffine yes shell 3"),
        "shell is for the moduli of atoms: give peratom, too, or leave it out"
    );
    assert_eq!(
        message("10 xx 0.01 1 atomvolume c_v"),
        "atomvolume is for the moduli of atoms: give peratom, too, or leave it out"
    );
    assert_eq!(
        message("10 xx 0.01 1 stop 0.1"),
        "stop: the word 'rel' is expected, not '0.1'"
    );
    assert_eq!(
        message("10 xx 0.01 1 stop rel 0.1 20"),
        "stop: the word 'min' is expected, not '20'"
    );
    assert_eq!(
        message("10 xx 0.01 1 tones 2 1 1.0 0 3 0.5"),
        "the phase of tone 2 has no value"
    );
    assert_eq!(
        message("10 xx 0.01 1 tones 20"),
        "tones 20: between 1 and 8 tones are possible"
    );
    assert_eq!(
        message("10 xx 0.01 1 drive external lag now"),
        "drive external lag needs a whole number of 0 or more, not 'now'"
    );
    assert_eq!(message("10 xx 0.01 1 file"), "file has no value");
}

#[test]
fn tones_and_drive_are_understood() {
    let request = |line| parse(line).unwrap().request;
    let Tones::List(tones) = request("10 xx 0.01 1 tones 2 1 1.0 0 5 0.5 -90 nskip 2").tones else {
        panic!("a list of tones")
    };
    assert_eq!((tones[1].multiple, tones[1].phase), (5, -90.0));
    assert_eq!(
        request("10 xx 0.01 1 tones/auto 3").tones,
        Tones::Automatic(3)
    );
    let lag = |line| request(line).external;
    assert_eq!(lag("10 xx 0.01 1 drive external lag 3"), Some(3));
    assert_eq!(lag("10 xx 0.01 1 drive external nskip 2"), Some(1));
    assert_eq!(lag("10 xx 0.01 1 drive internal"), None);
}

#[test]
fn atoms_are_understood() {
    let command =
        parse("10 xx 0.01 1 peratom c_cs 20 atomvolume c_v[1] nonaffine yes shell 3.5").unwrap();
    let atoms = command.request.atoms.unwrap();
    assert_eq!(
        (atoms.every, atoms.stress, atoms.displacement),
        (20, true, true)
    );
    assert!(atoms.shell && command.shell == Some(3.5));
    assert_eq!(command.atom_stress.as_deref(), Some("cs"));
    assert_eq!(command.atom_volume, Some(("v".to_owned(), 1)));
    let atoms = parse("10 xx 0.01 1 nonaffine yes").unwrap().request.atoms;
    let atoms = atoms.unwrap();
    assert_eq!(
        (atoms.every, atoms.stress, atoms.displacement),
        (10, false, true)
    );
    assert!(
        parse("10 xx 0.01 1 nonaffine no")
            .unwrap()
            .request
            .atoms
            .is_none()
    );
}

#[test]
fn boxes_that_cannot_be_strained() {
    let kind = |triclinic, dimension, periodic| DmsBoxKind {
        triclinic,
        dimension,
        periodic,
    };
    let request = |mode| Request::new(1, mode, 0.01, 1.0);
    let message =
        |mode, kind: DmsBoxKind| check_box(&request(mode), &kind).unwrap_err().to_string();
    assert_eq!(
        message(Mode::Xy, kind(false, 3, [true; 3])),
        "mode xy needs a triclinic box: use 'change_box all triclinic' before the fix"
    );
    assert_eq!(
        message(Mode::Zz, kind(false, 3, [true, true, false])),
        "mode zz needs a periodic box along z: change the boundary command"
    );
    assert_eq!(
        message(Mode::Xz, kind(true, 2, [true; 3])),
        "mode xz needs a three-dimensional system"
    );
    assert_eq!(
        message(Mode::Iso, kind(false, 3, [true, true, false])),
        "mode iso needs a periodic box along z: change the boundary command"
    );
    let mut volume = request(Mode::Xx);
    volume.lateral = Lateral::Volume;
    assert_eq!(
        check_box(&volume, &kind(false, 3, [true, false, true]))
            .unwrap_err()
            .to_string(),
        "mode xx with lateral volume needs a periodic box along y: change the boundary command"
    );
    for mode in [Mode::Xx, Mode::Iso] {
        assert!(check_box(&request(mode), &kind(false, 2, [true; 3])).is_ok());
    }
}
