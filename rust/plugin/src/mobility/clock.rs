//! When configurations are taken: at the ends of windows, halfway through them, and in several snapshots before either.

use deepdms_mobility::Error;

/// What is to be done at a timestep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Due {
    /// A snapshot belongs to a configuration.
    pub snapshot: bool,
    /// It is the first of it.
    pub first: bool,
    /// The configuration is complete, and ends a window.
    pub end: bool,
    /// The configuration is complete, and lies halfway through a window.
    pub middle: bool,
}

/// The clock of one fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// Steps of a window.
    pub interval: u64,
    /// Steps of a period of the strain; 0 without.
    pub period: u64,
    /// Steps after the beginning of a period at which windows end.
    pub phase: u64,
    /// Snapshots of a configuration.
    pub snapshots: u64,
    /// Steps between them.
    pub spacing: u64,
    /// Whether configurations are taken halfway, too.
    pub halves: bool,
}

impl Clock {
    /// The clock of windows of `interval` steps, in a strain with this `period`.
    pub fn new(interval: u64, period: u64) -> Self {
        Clock {
            interval,
            period,
            phase: 0,
            snapshots: 1,
            spacing: 0,
            halves: false,
        }
    }

    /// Sets the phase [degrees] at which windows end. Fails where that is between two timesteps, or there is no period.
    pub fn set_phase(&mut self, degrees: f64) -> Result<(), Error> {
        if degrees == 0.0 {
            return Ok(());
        }
        if self.period == 0 {
            return Err(Error::new(
                "phase belongs to the period of a fix dms: give the window as dms fix-ID k, or leave phase out",
            ));
        }
        if !(0.0..360.0).contains(&degrees) {
            return Err(Error::new(format!(
                "phase {degrees}: it lies between 0 and 360 degrees"
            )));
        }
        let steps = degrees * self.period as f64 / 360.0;
        if (steps - steps.round()).abs() > 1e-9 * steps {
            return Err(Error::new(format!(
                "phase {degrees} degrees falls between timesteps of the period"
            )));
        }
        self.phase = steps.round() as u64;
        Ok(())
    }

    /// Fails where halves or snapshots do not fit.
    pub fn check(&self) -> Result<(), Error> {
        if self.halves && (self.period == 0 || self.interval != self.period) {
            return Err(Error::new(
                "half is for windows of one period of a fix dms: give the window as dms fix-ID 1, or leave half out",
            ));
        }
        if self.halves && !self.period.is_multiple_of(2) {
            return Err(Error::new(format!(
                "half needs a period of an even number of timesteps, and it has {}",
                self.period
            )));
        }
        let between = if self.halves {
            self.interval / 2
        } else {
            self.interval
        };
        if self.snapshots == 0 || (self.snapshots > 1 && self.spacing == 0) {
            return Err(Error::new(
                "smooth needs one snapshot or more, and a timestep or more between them",
            ));
        }
        if self.length() >= between {
            return Err(Error::new(format!(
                "smooth {} {}: the snapshots take {} steps, and there are {between} between configurations",
                self.snapshots,
                self.spacing,
                self.length()
            )));
        }
        Ok(())
    }

    /// Steps from the first to the last snapshot of a configuration.
    fn length(&self) -> u64 {
        (self.snapshots - 1) * self.spacing
    }

    /// The first end of a window at or after `step`, when periods, or windows, begin at `origin`.
    pub fn first_end(&self, origin: i64, step: i64) -> i64 {
        let first = origin + self.phase as i64;
        let late = (step - first).max(0) as u64;
        first + (late.div_ceil(self.interval) * self.interval) as i64
    }

    /// What is due at `step`, when windows end at `end` and every interval before and after.
    pub fn due(&self, end: i64, step: i64) -> Due {
        let interval = self.interval as i64;
        let to_end = (end - step).rem_euclid(interval) as u64;
        let mut due = Due::default();
        let mut look = |left: u64, complete: fn(&mut Due)| {
            if left > self.length() || (self.spacing > 0 && !left.is_multiple_of(self.spacing)) {
                return;
            }
            due.snapshot = true;
            due.first = left == self.length();
            if left == 0 {
                complete(&mut due);
            }
        };
        look(to_end, |due| due.end = true);
        if self.halves {
            let half = self.interval / 2;
            look((to_end + half) % self.interval, |due| due.middle = true);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::{Clock, Due};

    #[test]
    fn windows_end_every_interval() {
        let clock = Clock::new(100, 0);
        assert_eq!(clock.first_end(30, 30), 30);
        assert_eq!(clock.first_end(30, 31), 130);
        let end = Due {
            snapshot: true,
            first: true,
            end: true,
            middle: false,
        };
        for step in 0..500 {
            let expected = if step % 100 == 30 {
                end
            } else {
                Due::default()
            };
            assert_eq!(clock.due(30, step), expected, "{step}");
        }
    }

    #[test]
    fn halves_and_snapshots_come_before_their_ends() {
        let mut clock = Clock::new(100, 100);
        clock.set_phase(90.0).unwrap();
        (clock.halves, clock.snapshots, clock.spacing) = (true, 3, 4);
        clock.check().unwrap();
        let end = clock.first_end(7, 0);
        assert_eq!(end, 32);
        let found: Vec<i64> = (0..100)
            .filter(|&step| clock.due(end, step).snapshot)
            .collect();
        assert_eq!(found, [24, 28, 32, 74, 78, 82]);
        assert!(clock.due(end, 24).first && !clock.due(end, 28).first);
        assert!(clock.due(end, 132).end && !clock.due(end, 132).middle);
        assert!(clock.due(end, 82).middle && !clock.due(end, 82).end);
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let mut clock = Clock::new(100, 100);
        assert_eq!(
            clock.set_phase(1.0).unwrap_err().to_string(),
            "phase 1 degrees falls between timesteps of the period"
        );
        clock.halves = true;
        (clock.snapshots, clock.spacing) = (6, 10);
        assert_eq!(
            clock.check().unwrap_err().to_string(),
            "smooth 6 10: the snapshots take 50 steps, and there are 50 between configurations"
        );
        let message = |clock: Clock| clock.check().unwrap_err().to_string();
        let mut two = Clock::new(200, 100);
        two.halves = true;
        assert!(message(two).starts_with("half is for windows of one period"));
        let mut odd = Clock::new(101, 101);
        odd.halves = true;
        assert_eq!(
            message(odd),
            "half needs a period of an even number of timesteps, and it has 101"
        );
    }
}
