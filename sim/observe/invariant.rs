//! What must always hold. A broken invariant is a fault of the program, never of the scenario.
//!
//! The text starts with `invariant` and the id; the command line turns such a panic into exit code 3 and
//! adds the command that reproduces it. `docs/reliability.md` prints this table, with the test that breaks each.

use crate::kernel::time::SimTime;

/// When an invariant is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// Whatever happens, in every run.
    Always,
    /// The last part of it at every fact of a run under all rules, the rest whatever happens.
    AlwaysAndUnderRules,
    /// At every sample of a run; after every event of a run under all rules.
    AtSamples,
    /// As [`AtSamples`](Self::AtSamples), and the last part of it as [`AtRest`](Self::AtRest).
    AtSamplesAndAtRest,
    /// At the end of every run.
    AtTheEnd,
    /// At every fact of a run under all rules.
    UnderRules,
    /// At every sample of a run under all rules, and at its end.
    SamplesUnderRules,
    /// At the end of a run under all rules whose end leaves time for everything to come to rest.
    AtRest,
}

impl Checked {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::AlwaysAndUnderRules => "always; the last part under rules",
            Self::AtSamples => "samples; under rules each event",
            Self::AtSamplesAndAtRest => "samples; under rules each event; the last part at rest",
            Self::AtTheEnd => "end of run",
            Self::UnderRules => "under rules, each fact",
            Self::SamplesUnderRules => "under rules, samples",
            Self::AtRest => "under rules, at rest",
        }
    }
}

macro_rules! invariants {
    ($($(#[doc = $doc:literal])* $id:ident: $title:literal, $formula:literal, $checked:ident;)*) => {
        /// What must hold, by its id.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(#[doc = $title] $(#[doc = $doc])* $id,)*
        }

        impl Invariant {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$id,)*];

            /// Its id, like `P1`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$id => stringify!($id),)* }
            }
            /// What it is about.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$id => $title,)* }
            }
            /// What must hold.
            pub const fn formula(self) -> &'static str {
                match self { $(Self::$id => $formula,)* }
            }
            /// When it is looked at.
            pub const fn checked(self) -> Checked {
                match self { $(Self::$id => Checked::$checked,)* }
            }
        }
    };
}

invariants! {
    K1: "Time", "virtual time never falls, events of one instant run in the order in which they were scheduled", Always;
    K2: "The dead are silent", "a cancelled event never runs; nothing happens in a client before its start, while it is stopped, after its end", AlwaysAndUnderRules;
    K3: "Luck is named", "the stream of an entity for a purpose is opened once", Always;
    K4: "No livelock", "at most 10⁷ events at one instant", Always;
    L1: "Message account", "produced + extra copies = waiting + in flight + awaiting retry + succeeded + dead + filtered + expired + lost, by group", AtSamples;
    L2: "Producer account", "born = stored + given up + on the way, acknowledged ≤ stored, by producer; at rest nothing is on the way", AtSamplesAndAtRest;
    L3: "Answers", "what arrives in a cache was sent: answers taken in ≤ answers and pushes sent, by client and queue", UnderRules;
    L4: "Identity", "nothing is delivered that was not stored, nor finished that was not delivered; what is delivered is what was stored there, a message is stored once, and each hold of a queue delivers every offset once, rising from its start", AlwaysAndUnderRules;
    Q1: "Append", "offsets of a queue are contiguous from 0; at the end all that was stored was told of", AlwaysAndUnderRules;
    Q2: "Offsets rise", "a committed offset falls only by a crash, a reset, or a queue that changes hands", UnderRules;
    Q3: "Handed over", "what a client gives up in good order it has committed: the next owner starts at or behind all that was consumed", UnderRules;
    P1: "Commit", "committed offset ≤ lowest offset that is not finished, unless an operator set it", UnderRules;
    P2: "Cache", "only a holder of the queue delivers and finishes; cached ≤ cached before + messages of the answer", UnderRules;
    P3: "Flow control", "cached messages, bytes and span of offsets ≤ threshold + one answer, which has no more messages and bytes than were asked for", UnderRules;
    R1: "Shares", "what a strategy computes for one view gives each queue to exactly one client", AtRest;
    R2: "One lock holder", "a lock has one client id at a time; an orderly listener is called only under it", AlwaysAndUnderRules;
    R3: "Settled owners", "each queue is held by the client that the strategy names, or by one if that hangs on what was before, and by nobody else", AtRest;
    R4: "Rounds", "rounds of one client do not overlap, keep the least interval, and come within the longest", UnderRules;
    R5: "Locks are renewed", "a client asks for the lock of each queue that it holds every 20 s, unless it or the queue’s broker is in trouble", UnderRules;
    H1: "Pulls", "a client has at most one pull of a queue under way, and no pull loop falls silent", UnderRules;
    H2: "Holds", "timeout ≤ hold of a pull that finds nothing ≤ timeout + one sweep; none lasts longer", UnderRules;
    H3: "Woken", "a held pull without a filter is answered when a record becomes visible", UnderRules;
    T1: "Retries by the table", "attempt n + 1 waits level 3 + n, or the level that was chosen; a copy is stored when its delay is over, once", UnderRules;
    T2: "Dead after the last", "a message is dead after exactly the last attempt, attempts rise by one, and it is sent back no more often than it failed", UnderRules;
    O1: "Order of a queue", "an orderly listener sees rising offsets, but for what failed or was taken over", Always;
    O2: "Order of a key", "first deliveries of one producer's messages of one key rise, while queues stay as they are", UnderRules;
    D1: "At least once", "all that was stored in a queue that somebody is given was delivered or passed over for a named reason, is finished and committed", AtRest;
    A1: "Allowed anomalies", "duplicates, skips and overlaps come only where and while the table allows them", UnderRules;
    C1: "Connections", "connections break, pulls time out and members expire for a reason; at rest each client’s heartbeats come to each of its brokers", UnderRules;
    E1: "No leaks", "nothing is left of clients that are gone; no request, envelope or record stays that nobody needs", AtRest;
    I1: "Idempotent listeners", "what is marked before the work happens at most once; nothing is taken for done that was not", UnderRules;
    M1: "Little’s law", "integral of the number waiting = sum of the waiting times", AtTheEnd;
    M2: "Sums", "Σ consumers = Σ queues; histogram counts = deliveries; owned + unowned time = time that the queues existed", AtTheEnd;
    X1: "History", "a second account, record by record from facts alone, finds as many lost and duplicate records as the first", SamplesUnderRules;
}

/// Ends the run: `invariant` does not hold at `now`.
#[cold]
#[inline(never)]
#[track_caller]
pub fn broken(now: SimTime, invariant: Invariant, what: &str) -> ! {
    panic!("invariant {} broken at {now}: {what}", invariant.id())
}

/// Ends the run if `holds` is false; `what` says who, what and what was expected.
#[inline(always)]
#[track_caller]
pub fn must(now: SimTime, invariant: Invariant, holds: bool, what: impl FnOnce() -> String) {
    if !holds {
        broken(now, invariant, &what());
    }
}

/// A count as people read it, in groups of three digits: `12 040`.
pub fn grouped(n: impl Into<i128>) -> String {
    let n = n.into();
    let digits = n.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3 + 1);
    if n < 0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_groups_of_three() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1 000"),
            (12_040, "12 040"),
            (-1_234_567, "-1 234 567"),
        ] {
            assert_eq!(grouped(n), text);
        }
    }

    #[test]
    #[should_panic = "invariant L1 broken at 183.204000000s: two and two make five"]
    fn a_broken_invariant_names_its_id_and_the_instant() {
        broken(
            SimTime::from_nanos(183_204_000_000),
            Invariant::L1,
            "two and two make five",
        );
    }
}
