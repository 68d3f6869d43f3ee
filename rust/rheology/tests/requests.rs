//! What may be asked for, and what is said where it may not.

use deepdms_rheology::mode::Lateral;
use deepdms_rheology::request::Stop;
use deepdms_rheology::tones::{ToneRequest, Tones};
use deepdms_rheology::{Mode, Request};

fn request() -> Request {
    Request::new(1, Mode::Xx, 0.01, 1.0)
}

fn message(change: impl FnOnce(&mut Request), timestep: f64) -> String {
    let mut request = request();
    change(&mut request);
    request.resolve(timestep, 3).unwrap_err().to_string()
}

#[test]
fn defaults() {
    let protocol = request().resolve(0.01, 3).unwrap();
    assert_eq!(
        (
            protocol.period,
            protocol.skip,
            protocol.block,
            protocol.harmonics
        ),
        (100, 1, 2, 3)
    );
    assert_eq!(protocol.period_time(), 1.0);
}

#[test]
fn a_period_of_broken_steps_names_its_neighbours() {
    assert_eq!(
        message(|r| r.period = 1.25, 0.5),
        "the period 1.25 is 2.5 timesteps of 0.5, not a whole number: use 1 (2 steps) or 1.5 (3 steps), or add \
         'round yes'"
    );
    let mut rounded = request();
    (rounded.period, rounded.sample_every, rounded.round) = (1.234, 10, true);
    assert_eq!(rounded.resolve(0.001, 3).unwrap().period, 1230);
}

#[test]
fn a_period_that_is_no_multiple_of_nevery_names_divisors_and_periods() {
    assert_eq!(
        message(|r| r.sample_every = 3, 0.01),
        "the period of 100 steps is not a multiple of Nevery = 3: use Nevery 2 or 4, or a period of 99 or 102 \
         steps, or add 'round yes'"
    );
}

#[test]
fn few_samples_name_three_cures() {
    assert_eq!(
        message(|r| r.sample_every = 5, 0.01),
        "20 samples per period are too few for 3 harmonics: 48 are needed. Use Nevery 2, a period of 240 steps \
         (2.4) or more, or harmonics 1"
    );
}

#[test]
fn numbers_out_of_range() {
    assert_eq!(
        message(|r| r.amplitude = 0.5, 0.01),
        "the strain amplitude 0.5 is outside 0 < A <= 0.2: it is a dimensionless strain, 0.01 is one per cent"
    );
    assert_eq!(
        message(|r| r.period = -1.0, 0.01),
        "the period -1 is not a positive time"
    );
    assert_eq!(
        message(|r| r.sample_every = 0, 0.01),
        "Nevery is 0: sample the stress every 1 step or more"
    );
    assert_eq!(
        message(|r| r.block = 0, 0.01),
        "block 0: a fitted block has at least 1 cycle, 2 are recommended"
    );
    assert_eq!(
        message(|r| r.harmonics = 10, 0.01),
        "harmonics 10: the highest harmonic is between 1 and 9"
    );
    assert_eq!(
        message(|r| (r.ramp, r.skip) = (3, Some(1)), 0.01),
        "nskip 1 is less than ramp 3: the cycles of the ramp cannot be used, set nskip to 3 or more"
    );
    assert_eq!(
        message(|r| r.phase = 90.0, 0.01),
        "a start phase of 90 degrees begins with a jump of the strain: add 'ramp 1' or more cycles, or use phase 0 \
         or 180"
    );
    assert_eq!(
        message(|r| r.cycles = Some(2), 0.01),
        "cycles 2 leaves no complete block after nskip 1: at least 3 cycles are needed with block 2"
    );
}

#[test]
fn only_strain_of_our_own_is_limited() {
    let external =
        |amplitude| move |r: &mut Request| (r.amplitude, r.external) = (amplitude, Some(1));
    for amplitude in [0.25, 1.5] {
        let mut other = request();
        external(amplitude)(&mut other);
        assert_eq!(other.resolve(0.01, 3).unwrap().peak, amplitude);
    }
    let mut tones = request();
    external(0.25)(&mut tones);
    (tones.tones, tones.harmonics) = (Tones::Automatic(2), 1);
    assert!(tones.resolve(0.01, 3).unwrap().peak > 0.2);
    for amplitude in [0.0, -0.1, f64::NAN, f64::INFINITY] {
        assert_eq!(
            message(external(amplitude), 0.01),
            format!(
                "the strain amplitude {amplitude} is not a positive number: give the strain that the other command \
                 imposes, a length change over the length"
            )
        );
    }
}

#[test]
fn tones_need_samples_and_a_smooth_start() {
    let tone = |multiple, weight, phase| ToneRequest {
        multiple,
        weight,
        phase,
    };
    assert_eq!(
        message(
            |r| r.tones = Tones::List(vec![tone(1, 1.0, 0.0), tone(5, 0.5, 0.0)]),
            0.01
        ),
        "100 samples per period are too few for 3 harmonics of the tone with 5 periods in it: 240 are needed. Use a \
         period of 240 steps (2.4) or more, or harmonics 1"
    );
    let jump = |r: &mut Request| {
        r.tones = Tones::List(vec![tone(1, 1.0, 0.0), tone(2, 0.5, 90.0)]);
    };
    assert_eq!(
        message(jump, 0.01),
        "the tones begin with a jump of the strain to 0.005000: add 'ramp 1' or more cycles, or use phases whose \
         sines cancel"
    );
    assert_eq!(
        message(
            |r| (r.amplitude, r.tones) = (0.1, Tones::List(vec![tone(1, 3.0, 0.0)])),
            0.01
        ),
        "the tones add up to a strain of 0.3000, beyond 0.2: reduce the amplitude or the weights"
    );
    let mut ramped = request();
    jump(&mut ramped);
    ramped.ramp = 1;
    assert!(ramped.resolve(0.01, 3).is_ok());
    assert_eq!(
        message(
            |r| {
                jump(r);
                r.phase = 180.0;
            },
            0.01
        ),
        "phase belongs to a single tone: with several, give the phase of each behind tones"
    );
}

#[test]
fn keywords_that_do_not_go_together() {
    assert_eq!(
        message(|r| (r.mode, r.lateral) = (Mode::Xy, Lateral::Volume), 0.01),
        "lateral volume belongs to the modes xx, yy and zz, not to xy"
    );
    assert_eq!(
        message(|r| r.mode = Mode::None, 0.01),
        "mode none has no strain: its amplitude must be 0, not 0.01"
    );
    let none = |r: &mut Request| (r.mode, r.amplitude) = (Mode::None, 0.0);
    assert_eq!(
        message(
            |r| {
                none(r);
                r.ramp = 1;
            },
            0.01
        ),
        "ramp belongs to a strain, and mode none has none: leave ramp out"
    );
    assert_eq!(
        message(
            |r| {
                none(r);
                r.external = Some(1);
            },
            0.01
        ),
        "mode none has no strain that drive external could follow: leave drive out"
    );
    assert_eq!(
        message(|r| (r.external, r.scale_velocities) = (Some(1), true), 0.01),
        "vscale belongs to the strain that this fix imposes, not to drive external: leave vscale out"
    );
    assert_eq!(
        message(
            |r| r.stop = Some(Stop {
                relative: 1.5,
                cycles: 4
            }),
            0.01
        ),
        "stop rel 1.5: the relative error of E'' at which the run ends lies between 0 and 1"
    );
}
