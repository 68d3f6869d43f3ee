//! Restart files whose state of `fix dms` was damaged: the restart ends with an error, and never with other numbers.

use std::fs;
use std::path::PathBuf;

use deepdms_tests::lammps::{Lammps, Turn};

const FIX: &str = "compute cs all stress/atom NULL
fix move all nve
fix d all dms 2 xx 0.01 0.5 harmonics 1 peratom cs 4";
const ATOMS: usize = 108;
/// Numbers of an atom: size, checksum, 7 that are kept, 16 that come out.
const RECORD: usize = 2 + 7 + 16;

struct Setting {
    lammps: Lammps,
    folder: PathBuf,
    _turn: Turn,
}

impl Setting {
    fn new() -> Self {
        let turn = Turn::wait();
        let mut lammps = Lammps::open();
        let plugin = turn.place.plugin.display();
        lammps.command(&format!("plugin load {plugin}")).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("restart-damage");
        fs::create_dir_all(&folder).unwrap();
        Self {
            lammps,
            folder,
            _turn: turn,
        }
    }

    /// A restart file in the middle of a block.
    fn restart_file(&mut self) -> Vec<u8> {
        let file = self.folder.join("good.restart");
        self.lammps
            .commands(&format!(
                "units lj\nlattice fcc 1.0\nregion box block 0 3 0 3 0 3\ncreate_box 1 box\n\
                 create_atoms 1 box\nmass 1 1.0\nvelocity all create 0.1 4711\n\
                 pair_style lj/cut 2.0\npair_coeff 1 1 1.0 1.0\ntimestep 0.005\n{FIX}\nrun 450\n\
                 write_restart {}",
                file.display()
            ))
            .unwrap();
        fs::read(file).unwrap()
    }

    /// Goes on from a restart file with these bytes.
    fn go_on(&mut self, bytes: &[u8]) -> Result<(), String> {
        let file = self.folder.join("damaged.restart");
        fs::write(&file, bytes).unwrap();
        self.lammps.command("clear").unwrap();
        self.lammps
            .commands(&format!("read_restart {}\n{FIX}", file.display()))
    }
}

/// Where `pattern` begins in `bytes`.
fn places(bytes: &[u8], pattern: &[u8]) -> Vec<usize> {
    let windows = bytes.windows(pattern.len()).enumerate();
    windows
        .filter(|(_, window)| *window == pattern)
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn a_damaged_state_is_refused_wherever_the_damage_is() {
    let mut setting = Setting::new();
    let good = setting.restart_file();
    setting.go_on(&good).unwrap();
    setting.lammps.command("run 10 post no").unwrap();

    let [blob] = places(&good, b"deepdms\0")[..] else {
        panic!("one state in the file")
    };
    let length = u64::from_le_bytes(good[blob + 16..blob + 24].try_into().unwrap()) as usize;
    let records = places(&good, &(RECORD as f64).to_le_bytes());
    assert_eq!(records.len(), ATOMS);

    let refused = |setting: &mut Setting, damaged: &[u8], what: &str| {
        let message = setting.go_on(damaged).expect_err(what);
        assert!(message.contains("fix dms: the "), "{what}: {message}");
    };
    // bits all over the state, the header more densely than the rest
    let header = (0..32).map(|byte| (byte, byte % 8));
    let rest = (32..length).step_by(97).map(|byte| (byte, byte % 8));
    for (byte, bit) in header.chain(rest) {
        let mut damaged = good.clone();
        damaged[blob + byte] ^= 1 << bit;
        refused(&mut setting, &damaged, &format!("bit {bit} of byte {byte}"));
    }
    // lengths that would lead far beyond the memory
    for length in [0, 31, length as u64 + 4096, 1 << 40, u64::MAX] {
        let mut damaged = good.clone();
        damaged[blob + 16..blob + 24].copy_from_slice(&length.to_le_bytes());
        refused(&mut setting, &damaged, &format!("length {length}"));
    }
    // the numbers of single atoms
    for (index, record) in records.iter().enumerate().step_by(9) {
        let mut damaged = good.clone();
        damaged[record + 8 + 7 * index % (8 * (RECORD - 1))] ^= 0x10;
        refused(&mut setting, &damaged, &format!("atom {index}"));
    }
    for size in [0.0, -1.0, 1e300, f64::NAN, 24.0] {
        let mut damaged = good.clone();
        damaged[records[5]..records[5] + 8].copy_from_slice(&f64::to_le_bytes(size));
        assert!(setting.go_on(&damaged).is_err(), "size {size}");
    }
    // and the same process goes on from the good one
    setting.go_on(&good).unwrap();
    setting.lammps.command("run 10 post no").unwrap();
}
