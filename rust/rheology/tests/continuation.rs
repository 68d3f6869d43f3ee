//! A measurement that is stored and restored goes on as if nothing had happened.

mod common;

use common::{REDUCED, Random, reading, request, sample, started};
use deepdms_rheology::{Measurement, Mode, Request};

fn measure(measurement: &mut Measurement, steps: std::ops::Range<u64>) {
    for n in steps {
        let mut random = Random(n);
        let mut sample = sample(n, random.normal(), 1.0 + 0.1 * random.normal(), 7.0);
        sample.stress[3] += 40.0 * measurement.strain(1000 + n as i64);
        sample.potential = random.normal();
        measurement.sample(&sample).unwrap();
    }
}

#[test]
fn restart_in_mid_cycle_is_bit_identical() {
    for (stop, harmonics) in [(1, 1), (63, 2), (64, 3), (64 * 3 + 17, 3), (64 * 9 + 5, 1)] {
        let mut request = request(64);
        request.harmonics = harmonics;
        let mut whole = started(&request, 7.0);
        measure(&mut whole, 0..stop);
        let blob = whole.pack();
        let mut resumed = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
        resumed.unpack(&blob).unwrap();
        assert_eq!(resumed.pack(), blob);
        assert_eq!(reading(&resumed), reading(&whole));
        measure(&mut whole, stop..64 * 12 + 3);
        measure(&mut resumed, stop..64 * 12 + 3);
        assert_eq!(resumed.pack(), whole.pack());
        assert_eq!(reading(&resumed), reading(&whole));
    }
}

#[test]
fn a_blob_before_the_start_restores_that_too() {
    let request = request(64);
    let fresh = Measurement::new(request.clone(), 1.0, REDUCED).unwrap();
    let mut other = Measurement::new(request, 1.0, REDUCED).unwrap();
    other.unpack(&fresh.pack()).unwrap();
    assert!(other.start().is_none());
    assert_eq!(other.strain(5000), 0.0);
}

fn mismatch(change: impl FnOnce(&mut Request)) -> String {
    let mut first = started(&request(64), 7.0);
    measure(&mut first, 0..10);
    let mut changed = request(64);
    change(&mut changed);
    let mut second = Measurement::new(changed, 1.0, REDUCED).unwrap();
    second.unpack(&first.pack()).unwrap_err().to_string()
}

#[test]
fn other_settings_are_refused_by_name() {
    let tail =
        ": repeat the command that wrote the restart file, or use another fix ID to start anew";
    let head = "the restart file continues a measurement with";
    assert_eq!(
        mismatch(|r| r.mode = Mode::Xz),
        format!("{head} mode xy, the command says mode xz{tail}")
    );
    assert_eq!(
        mismatch(|r| r.amplitude = 0.02),
        format!("{head} amplitude 0.01, the command says amplitude 0.02{tail}")
    );
    assert_eq!(
        mismatch(|r| r.period = 128.0),
        format!("{head} period in steps 64, the command says period in steps 128{tail}")
    );
    assert_eq!(
        mismatch(|r| r.harmonics = 1),
        format!("{head} harmonics 3, the command says harmonics 1{tail}")
    );
}

#[test]
fn the_number_of_cycles_may_be_extended() {
    let mut short = request(64);
    short.cycles = Some(4);
    let mut first = started(&short, 7.0);
    measure(&mut first, 0..100);
    let mut long = request(64);
    long.cycles = Some(40);
    let mut second = Measurement::new(long, 1.0, REDUCED).unwrap();
    second.unpack(&first.pack()).unwrap();
    assert_eq!(second.protocol().cycles, Some(40));
}

#[test]
fn damaged_blobs_are_refused() {
    let mut first = started(&request(64), 7.0);
    measure(&mut first, 0..100);
    let blob = first.pack();
    for cut in [0, 10, 24, 100, blob.len() - 8] {
        let mut second = Measurement::new(request(64), 1.0, REDUCED).unwrap();
        assert!(second.unpack(&blob[..cut]).is_err(), "cut at {cut}");
    }
    let mut short = blob[..blob.len() - 8].to_vec();
    let length = short.len() as u64;
    short[16..24].copy_from_slice(&length.to_le_bytes());
    let mut second = Measurement::new(request(64), 1.0, REDUCED).unwrap();
    assert_eq!(
        second.unpack(&short).unwrap_err().to_string(),
        "the state in the restart file is damaged: 8 bytes are missing. Start from another restart file"
    );
}

#[test]
fn missing_steps_and_a_changed_timestep_are_errors() {
    let mut measurement = started(&request(64), 7.0);
    measure(&mut measurement, 0..10);
    assert_eq!(
        measurement
            .sample(&sample(12, 0.0, 1.0, 7.0))
            .unwrap_err()
            .to_string(),
        "the stress of step 1012 came where that of step 1010 was expected: every step must be run once, in order, \
         without rerun or a gap between runs"
    );
    assert_eq!(
        measurement.set_timestep(0.5).unwrap_err().to_string(),
        "the timestep changed from 1 to 0.5 while the strain was running, which would change its period: keep the \
         timestep, or start a new measurement with another fix ID"
    );
}
