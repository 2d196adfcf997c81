//! Little's law as an identity in integers.
//!
//! Over any window, the time integral of the number in the system equals the sum, over all that were in it, of
//! the time that each spent there within the window. The left side counts heads as they come and go. The right
//! side takes each one's own time of entry, as it was carried along, when it leaves. What was there before the
//! window and what stays after it is cut at the edge. In whole nanoseconds the two agree exactly, or somebody
//! was lost, counted twice, or given another's birthday.

use rmqsim::kernel::time::SimTime;

/// The two sides of one queue and one window.
#[derive(Clone, Debug, Default)]
pub struct Little {
    present: u64,
    opened: Option<SimTime>,
    closed: Option<SimTime>,
    counted_until: SimTime,
    integral: u128,
    spent: u128,
}

impl Little {
    /// The window begins.
    pub fn open(&mut self, now: SimTime) {
        self.opened = Some(now);
        self.counted_until = now;
    }

    /// The window ends. Whoever is still there must leave before [`Self::difference`] means anything.
    pub fn close(&mut self, now: SimTime) {
        self.count(now);
        self.closed = Some(now);
    }

    /// Somebody comes in.
    pub fn enter(&mut self, now: SimTime) {
        self.count(now);
        self.present += 1;
    }

    /// Somebody who came in at `entered` leaves.
    pub fn leave(&mut self, now: SimTime, entered: SimTime) {
        self.count(now);
        self.present = self.present.checked_sub(1).expect("who leaves was there");
        if let Some(opened) = self.opened {
            let until = self.closed.map_or(now, |closed| closed.min(now));
            self.spent += u128::from(until.since(entered.max(opened)).as_nanos());
        }
    }

    /// How many are in the system.
    pub fn present(&self) -> u64 {
        self.present
    }

    /// Time integral of the number in the system over the window, in message nanoseconds.
    pub fn integral(&self) -> u128 {
        self.integral
    }

    /// Integral less time spent, in message nanoseconds: 0 if the law holds.
    pub fn difference(&self) -> i128 {
        self.integral as i128 - self.spent as i128
    }

    fn count(&mut self, now: SimTime) {
        if self.opened.is_some() && self.closed.is_none() {
            let lasted = now.since(self.counted_until).as_nanos();
            self.integral += u128::from(self.present) * u128::from(lasted);
            self.counted_until = now;
        }
    }
}
