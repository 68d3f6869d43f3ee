//! The whole analysis: returns, restart after every frame, degenerate systems, remarks.

mod common;

use common::{AT_REST, FCC, OPEN_DRIFT, Place, SC, Store, gaussian, lattice, settings, typed};
use deepdms_mobility::analysis::{Analysis, AtomHistory, Outcome};
use deepdms_mobility::cell::Vector;
use deepdms_mobility::classes::{Fast, Slow};
use deepdms_mobility::random::Random;
use deepdms_mobility::returns::Fate;
use deepdms_mobility::settings::{Nearness, Threshold};
use deepdms_mobility::summary::summary;
use deepdms_mobility::{Atoms, Error, Frame, Geometry, Settings};

const A: f64 = 2.5;
const CELLS: usize = 8;

/// A run that hands in frame after frame, as many as are needed.
struct Run {
    analysis: Analysis,
    atoms: Atoms,
    histories: Vec<AtomHistory>,
    frames: Vec<Place>,
    step: i64,
}

impl Run {
    fn new(settings: Settings, atoms: Atoms) -> Self {
        Run {
            analysis: Analysis::new(settings).unwrap(),
            histories: vec![AtomHistory::default(); atoms.len()],
            atoms,
            frames: Vec::new(),
            step: 0,
        }
    }

    fn frame(&mut self, place: Place) -> Result<Option<Outcome>, Error> {
        self.frames.push(place);
        self.step += 1;
        let most = self.analysis.settings().history() as usize + 1;
        if self.frames.len() > most {
            self.frames.remove(0);
        }
        if self.frames.len() < 2 {
            return Ok(None);
        }
        let first = self.step - self.frames.len() as i64;
        let frames: Vec<Frame> = self
            .frames
            .iter()
            .zip(first..)
            .map(|(place, step)| place.frame(step))
            .collect();
        self.analysis
            .advance(&self.atoms, &frames, None, &mut self.histories)
            .map(Some)
    }
}

fn given(geometry: Geometry) -> Settings {
    Settings {
        threshold: Threshold::Given(vec![0.5 * A]),
        cutoffs: vec![(1, 1, 1.2 * A)],
        ..settings(geometry)
    }
}

fn site(x: usize, y: usize, z: usize) -> usize {
    (x % CELLS * CELLS + y % CELLS) * CELLS + z % CELLS
}

#[test]
fn scripted_jumps_have_their_fates() {
    let place = lattice(&SC, CELLS, A);
    let settings = Settings {
        returns: 3,
        ..given(OPEN_DRIFT)
    };
    let mut run = Run::new(settings, typed(vec![1; CELLS.pow(3)]));
    let x = |steps: f64| [steps * A, 0.0, 0.0];
    // four scripts in one window, each alone; z moves out of the way of others
    let back = site(1, 1, 1);
    let stay = site(1, 4, 1);
    let farther = site(1, 4, 4);
    let (one, two) = (site(4, 1, 6), site(5, 1, 6));
    let moves = |time: usize| {
        move |i: usize| -> Vector {
            match (i, time) {
                (_, 0) => [0.0; 3],
                // between the lattice sites, so that nobody's place is taken
                (i, time) if i == back => {
                    [[0.0, 0.6 * A, 0.6 * A], [0.0; 3]][usize::from(time > 1)]
                }
                (i, _) if i == stay => [0.0, 0.6 * A, 0.6 * A],
                (i, time) if i == farther => [0.0, 0.6 * A * time.min(2) as f64, 0.6 * A],
                (i, _) if i == one => x(1.0),
                (i, _) if i == two => x(-1.0),
                _ => [0.0; 3],
            }
        }
    };
    for time in 0..=4 {
        let outcome = run.frame(place.moved(moves(time))).unwrap();
        let followed = run.analysis.blocks().total().map_or(0, |total| {
            total.kinds[0].events[0] + total.kinds[0].events[1]
        });
        // the jumps of the first window count once all three later frames are there, and those of the last three never
        assert_eq!(followed, if time < 4 { 0 } else { 5 });
        if time == 1 {
            let seen = outcome.unwrap().observation.unwrap();
            let jumped: Vec<usize> = (0..seen.jumped.len()).filter(|&i| seen.jumped[i]).collect();
            let mut expected = vec![back, stay, farther, one, two];
            expected.sort_unstable();
            assert_eq!(jumped, expected);
        }
    }
    let total = run.analysis.blocks().total().unwrap();
    let kind = &total.kinds[1];
    assert_eq!(kind.events, [3, 2]);
    let fates = |k: usize, string: usize| kind.fates[k - 1][string];
    let mut alone = [0; 4];
    alone[Fate::Returned as usize] = 1;
    alone[Fate::Stayed as usize] = 1;
    alone[Fate::MovedOn as usize] = 1;
    let mut swap = [0; 4];
    swap[Fate::Refilled as usize] = 2;
    for k in 1..=3 {
        assert_eq!((fates(k, 0), fates(k, 1)), (alone, swap), "{k}");
        assert!((run.analysis.returned(0, k).value - 0.2).abs() < 1e-15);
    }
    assert_eq!(kind.for_good, [2, 0]);
    let history = |i: usize| {
        let history = run.histories[i];
        (history.jumps, history.returned, history.for_good)
    };
    // the way back is a jump, too
    assert_eq!(history(back), (2, 1, 0));
    assert_eq!(history(stay), (1, 0, 1));
    assert_eq!(history(farther), (2, 0, 1));
    assert_eq!((history(one), history(two)), ((1, 0, 0), (1, 0, 0)));
}

/// A glassy toy: atoms vibrate about sites, and now and then exchange them along chains.
struct Toy {
    place: Place,
    sites: Vec<usize>,
    random: Random,
}

impl Toy {
    fn new(seed: u64) -> Self {
        let place = lattice(&FCC, 5, 1.5 * A);
        Toy {
            sites: (0..place.scaled.len()).collect(),
            place,
            random: Random::new(seed, 0, 0),
        }
    }

    fn next(&mut self) -> Place {
        let count = self.sites.len();
        for _ in 0..8 {
            // a chain of random neighbours in number gives hops of many lengths
            let first = self.random.below(count - 4);
            let length = 2 + self.random.below(3);
            self.sites[first..first + length].rotate_left(1);
        }
        let sites = self.sites.clone();
        let cell = self.place.cell();
        let random = &mut self.random;
        let scaled = sites
            .iter()
            .map(|&site| {
                let noise = cell.scaled(gaussian(random, 0.08));
                std::array::from_fn(|k| self.place.scaled[site][k] + noise[k])
            })
            .collect();
        Place {
            matrix: self.place.matrix,
            scaled,
        }
    }
}

fn toy_settings() -> Settings {
    Settings {
        types: 2,
        skip: 2,
        calibration: 2,
        lags: vec![1, 2, 4],
        percolation: true,
        waves: vec![2.0],
        nonaffine: true,
        nearness: Nearness::Fraction(0.6),
        ..settings(AT_REST)
    }
}

fn toy_atoms() -> Atoms {
    typed((0..500).map(|i| 1 + i % 2).collect())
}

#[test]
fn an_analysis_that_is_stopped_after_every_frame_ends_bit_for_bit_the_same() {
    let mut through = Run::new(toy_settings(), toy_atoms());
    let mut stopped = Run::new(toy_settings(), toy_atoms());
    let (mut toy, mut same) = (Toy::new(3), Toy::new(3));
    let mut remarks = Vec::new();
    for _ in 0..80 {
        through.frame(toy.next()).unwrap();
        stopped.frame(same.next()).unwrap();
        remarks.extend(stopped.analysis.take_remarks());
        let state = Store::of(&stopped.analysis);
        let mut fresh = Analysis::new(toy_settings()).unwrap();
        state.restore(&mut fresh).unwrap();
        assert_eq!(Store::of(&fresh), state);
        stopped.analysis = fresh;
        stopped.histories = stopped
            .histories
            .iter()
            .map(|history| AtomHistory::from_row(&history.to_row()))
            .collect();
    }
    let text = |run: &Run| summary(&run.analysis).to_string();
    assert_eq!(text(&through), text(&stopped));
    assert_eq!(through.histories, stopped.histories);
    assert_eq!(remarks, through.analysis.take_remarks());
    let bits = |run: &Run| run.analysis.vector().map(f64::to_bits);
    assert_eq!(bits(&through), bits(&stopped));
    let used = through.analysis.blocks().samples();
    assert_eq!((used, through.analysis.windows()), (77, 79));
    // something happened that can differ
    let total = through.analysis.blocks().total().unwrap();
    assert!(
        total.strings[0].atoms > 100 && total.kinds[1].events[0] + total.kinds[1].events[1] > 100
    );
    assert!(
        through
            .analysis
            .frozen()
            .unwrap()
            .minima
            .iter()
            .all(|minimum| minimum.u_min > 0.5)
    );
}

#[test]
fn a_state_of_other_settings_is_refused_with_the_keyword() {
    let mut run = Run::new(toy_settings(), toy_atoms());
    let mut toy = Toy::new(4);
    (0..4).for_each(|_| drop(run.frame(toy.next()).unwrap()));
    let state = Store::of(&run.analysis);
    let message = |change: &dyn Fn(&mut Settings)| {
        let mut settings = toy_settings();
        change(&mut settings);
        let mut other = Analysis::new(settings).unwrap();
        let store = state.clone();
        store.restore(&mut other).unwrap_err().to_string()
    };
    assert_eq!(
        message(&|settings| settings.long = 5),
        "restart file was written with keyword long = 6, the command says 5"
    );
    assert_eq!(
        message(&|settings| settings.fast = Fast::Top(0.05)),
        "restart file was written with keyword fast = umin, the command says top 0.05"
    );
    assert_eq!(
        message(&|settings| settings.threshold = Threshold::Given(vec![1.0, 1.2])),
        "restart file was written with keyword umin = auto, the command says 1 1.2"
    );
}

#[test]
fn before_calibration_ends_nothing_depends_on_thresholds() {
    let settings = Settings {
        calibration: 3,
        skip: 0,
        ..toy_settings()
    };
    let mut run = Run::new(settings, toy_atoms());
    let mut toy = Toy::new(5);
    run.frame(toy.next()).unwrap();
    for number in 1..=4 {
        let outcome = run.frame(toy.next()).unwrap().unwrap();
        assert_eq!(outcome.number, number);
        assert_eq!(outcome.observation.is_some(), number >= 3);
        assert_eq!(outcome.used, number >= 3);
        assert_eq!(run.analysis.vector()[0], number.saturating_sub(2) as f64);
    }
    assert_eq!(run.analysis.vector().len(), 28);
    assert_eq!(run.analysis.row(0).len(), run.analysis.columns());
    assert_eq!(run.analysis.columns(), 22);
}

#[test]
fn no_fast_atoms_a_missing_type_and_loners_give_no_numbers_and_no_panic() {
    let settings = Settings {
        types: 3,
        threshold: Threshold::Given(vec![1.0; 3]),
        cutoffs: vec![
            (1, 1, 3.0),
            (1, 2, 3.0),
            (2, 2, 3.0),
            (1, 3, 3.0),
            (2, 3, 3.0),
            (3, 3, 3.0),
        ],
        percolation: true,
        returns: 1,
        ..settings(AT_REST)
    };
    let mut types = vec![1; CELLS.pow(3)];
    types[7] = 2;
    let mut run = Run::new(settings, typed(types));
    let mut place = lattice(&SC, CELLS, A);
    // along one direction the lattice is so wide that an atom of type 2 is alone
    place.matrix[0][0] *= 1.5;
    place.scaled[7] = [1.0 / 24.0, 0.06, 0.06];
    for _ in 0..5 {
        run.frame(place.clone()).unwrap();
    }
    let analysis = &run.analysis;
    assert_eq!(analysis.series("n_fast").mean(), 0.0);
    assert_eq!(analysis.series("n_str_donati").mean(), 0.0);
    assert_eq!(analysis.series("string_share_donati").count(), 0);
    assert_eq!(analysis.series("f_3").count(), 0);
    assert_eq!(analysis.series("largest_fast").mean(), 0.0);
    assert_eq!(analysis.series("msd_1").mean(), 0.0);
    let found = summary(analysis);
    assert!(found["strings"]["donati"]["string_share"]["value"].is_null());
    assert!(found["atoms"][3]["jump_fraction"]["value"].is_null());
    assert_eq!(found["clusters"]["fast"]["wrapping"]["any"]["value"], 0.0);
    assert_eq!(found["clusters"]["slow"]["wrapping"]["any"]["value"], 1.0);
    assert!(analysis.vector().iter().all(|value| !value.is_nan()));
    assert!(analysis.row(3).iter().all(|value| !value.is_nan()));
}

#[test]
fn a_single_atom_is_analysed_once_its_distances_are_given() {
    // r_nn comes from pairs of atoms, so that one atom has none
    let mut run = Run::new(given(OPEN_DRIFT), typed(vec![1]));
    let place = Place {
        matrix: common::cubic(20.0),
        scaled: vec![[0.5; 3]],
    };
    run.frame(place.clone()).unwrap();
    assert_eq!(
        run.frame(place.moved(|_| [2.0, 0.0, 0.0]))
            .unwrap_err()
            .to_string(),
        "the distribution of distances has no first peak in half of the cell: use a larger cell, or a group with more atoms"
    );
    let mut nobody = typed(vec![1; 4]);
    nobody.members = vec![false; 4];
    let mut run = Run::new(given(OPEN_DRIFT), nobody);
    let place = Place {
        matrix: common::cubic(20.0),
        scaled: vec![[0.5; 3]; 4],
    };
    run.frame(place.clone()).unwrap();
    assert_eq!(
        run.frame(place).unwrap_err().to_string(),
        "no atoms are analysed: the group is empty"
    );
}

#[test]
fn what_is_worth_knowing_is_said_once() {
    let mut run = Run::new(
        Settings {
            types: 2,
            percolation: true,
            ..settings(AT_REST)
        },
        // two atoms of type 2 that are far from one another have no first shell
        typed(
            (0..500)
                .map(|i| if i == 0 || i == 262 { 2 } else { 1 })
                .collect(),
        ),
    );
    let place = lattice(&FCC, 5, 1.5 * A);
    let mut random = Random::new(71, 0, 0);
    for time in 0..14 {
        let mut now = place.moved(|i| {
            let noise = gaussian(&mut random, 0.05);
            let all = 0.5 * time as f64;
            std::array::from_fn(|k| {
                noise[k]
                    + if k == 0 { all } else { 0.0 }
                    + if i == 9 && time > 11 && k == 1 {
                        11.0
                    } else {
                        0.0
                    }
            })
        });
        if time == 13 {
            now.matrix[2][2] *= 1.4;
        }
        run.frame(now).unwrap();
    }
    let said: Vec<String> = run.analysis.take_remarks();
    let expected = [
        "no second peak of p(u) for type 1 (z = ",
        "no second peak of p(u) for type 2 (z = ",
        "types 2 and 2 have no first shell; the cutoff of all pairs, ",
        "centre of mass moved 0.",
        "fewer than 20 fast atoms per window on average: string ratios are noise",
        "atom 10 moved more than half the box: image flags reset?",
        "boxes of start and end differ by 4.0",
    ];
    for text in expected {
        assert_eq!(
            said.iter().filter(|said| said.starts_with(text)).count(),
            1,
            "{text}: {said:#?}"
        );
    }
    assert!(run.analysis.take_remarks().is_empty());
    assert_eq!(run.analysis.remarks().count(), said.len());
}

#[test]
fn strings_by_chance_drift_and_wraps_are_named() {
    let place = lattice(&SC, CELLS, A);
    let mut run = Run::new(
        Settings {
            lags: vec![1, 2],
            ..given(OPEN_DRIFT)
        },
        typed(vec![1; CELLS.pow(3)]),
    );
    let mut random = Random::new(73, 0, 0);
    for time in 0..14usize {
        // more and more atoms are anywhere, and a row moves on
        let now = place.moved(|i| {
            if i / 64 == 0 && i / 8 % 8 == 0 {
                [0.0, 0.0, A * time as f64]
            } else if random.unit() < 0.05 * time as f64 {
                gaussian(&mut random, 2.0 * A)
            } else {
                [0.0; 3]
            }
        });
        run.frame(now).unwrap();
    }
    let said = run.analysis.take_remarks();
    for text in [
        "chance alone gives N_str/N_fast = 0.",
        "1 strings wrap around the cell: finite-size effect",
        "mobility drifts: slope of C is ",
        "d ln MSD/d ln t = ",
    ] {
        assert_eq!(
            said.iter().filter(|said| said.starts_with(text)).count(),
            1,
            "{text}: {said:#?}"
        );
    }
}

#[test]
fn settings_that_cannot_be_are_named() {
    let message = |change: &dyn Fn(&mut Settings)| {
        let mut settings = toy_settings();
        change(&mut settings);
        Analysis::new(settings).unwrap_err().to_string()
    };
    let fractions = "top and bottom fractions must be between 0 and 1 and not overlap";
    assert_eq!(message(&|s| s.fast = Fast::Top(0.0)), fractions);
    assert_eq!(message(&|s| s.slow = Slow::Bottom(1.0)), fractions);
    assert_eq!(
        message(&|s| (s.fast, s.slow) = (Fast::Top(0.6), Slow::Bottom(0.6))),
        fractions
    );
    assert_eq!(
        message(&|s| s.threshold = Threshold::Given(vec![1.0])),
        "a value of umin is missing for type 2: give one for every type"
    );
    assert_eq!(
        message(&|s| s.fast = Fast::Cut(vec![1.0])),
        "a value of fast cut is missing for type 2: give one for every type"
    );
    assert_eq!(
        message(&|s| s.slow = Slow::Cut(vec![1.0, 1.0, 2.0])),
        "slow cut has 3 values, and there are 2 types"
    );
    assert_eq!(
        message(&|s| s.nearness = Nearness::Given(vec![(1, 1, 1.0), (2, 1, 1.0)])),
        "a delta is missing for types 2 and 2: give one for every pair"
    );
    assert_eq!(
        message(&|s| s.cutoffs = vec![(1, 3, 1.0)]),
        "cutoff 1 3: types are from 1 to 2"
    );
    assert_eq!(
        message(&|s| s.cutoffs = vec![(1, 2, -1.0)]),
        "cutoff 1 2 -1: the distance must be positive"
    );
    assert_eq!(
        message(&|s| s.lags = vec![2, 1]),
        "lags must be whole numbers of 1 or more, each larger than the one before"
    );
    assert_eq!(
        message(&|s| s.returns = 51),
        "returns 51: a jump is followed through 50 later frames at most"
    );
    assert_eq!(
        message(&|s| s.hysteresis = 0.9),
        "cage: the factor 0.9 at which a neighbour is lost must be 1 or more"
    );
    assert_eq!(
        message(&|s| s.long = 1),
        "long 1: a string has 2 atoms or more"
    );
    assert_eq!(
        message(&|s| s.time = 0.0),
        "the window of 0 time units must be positive"
    );
    assert_eq!(
        message(&|s| s.calibration = 0),
        "calib 0: at least one window is needed to fix the thresholds"
    );
    assert_eq!(
        message(&|s| s.waves = vec![-2.0]),
        "fs: the wave number -2 must be positive"
    );
    assert_eq!(
        message(&|s| s.overlap = Some(0.0)),
        "overlap 0: the distance must be positive"
    );
    assert_eq!(
        message(&|s| s.nearness = Nearness::Fraction(0.0)),
        "delta 0: the fraction must be positive"
    );
    assert_eq!(
        message(&|s| s.broken = deepdms_mobility::cage::Broken::Share(0.0)),
        "cage 0: the share of lost neighbours must lie between 0 and 1"
    );
    assert_eq!(
        message(&|s| s.broken = deepdms_mobility::cage::Broken::Count(0)),
        "cage lost 0: at least one neighbour must be lost"
    );
}
