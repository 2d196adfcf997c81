//! What is compared, and how closely.
//!
//! A measure is one line of the table of `docs/fidelity.md`: all comparisons of all recordings that ask the same.

/// What a comparison is about; the table's parts, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Membership,
    Backlog,
    Pause,
    Orderly,
    Retries,
    Listeners,
    Pulls,
    Filters,
    Brokers,
    Account,
}

impl Subject {
    pub const fn title(self) -> &'static str {
        match self {
            Self::Membership => "Who has which queue: joins, leaves, kills, strategies",
            Self::Backlog => "A backlog changes hands: kill, leave, join",
            Self::Pause => "A process that is stopped for minutes and goes on",
            Self::Orderly => "Order: a message that always fails, locks that change hands",
            Self::Retries => "Retries and dead letters",
            Self::Listeners => "Listeners: a batch that fails, a call that hangs, broadcasting",
            Self::Pulls => "Long polls and full caches",
            Self::Filters => "Filters",
            Self::Brokers => "A broker that is killed and comes back",
            Self::Account => "Any recording: what was lost, came twice, was committed",
        }
    }
}

/// How closely the model must come: a row of the table in `field/README.md`, by its first word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Exact,
    Reaction,
    Stable,
    RetryDelay,
    Suspend,
    Hold,
    IdleLatency,
    FilteredOffset,
    SilentClient,
    LockExpiry,
    CommittedOffset,
    DuplicatesKill,
    DuplicatesMove,
    Cached,
    RoutePoll,
    /// Nothing stands in the table: the bound is derived where it is used.
    Derived,
    /// What the experimenter did, which the scenario must do as well. It predicts nothing and is not counted.
    Input,
}

impl Class {
    /// All that `field/README.md` explains.
    pub const ALL: [Self; 17] = [
        Self::Exact,
        Self::Reaction,
        Self::Stable,
        Self::RetryDelay,
        Self::Suspend,
        Self::Hold,
        Self::IdleLatency,
        Self::FilteredOffset,
        Self::SilentClient,
        Self::LockExpiry,
        Self::CommittedOffset,
        Self::DuplicatesKill,
        Self::DuplicatesMove,
        Self::Cached,
        Self::RoutePoll,
        Self::Derived,
        Self::Input,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Reaction => "reaction",
            Self::Stable => "stable",
            Self::RetryDelay => "retry delay",
            Self::Suspend => "suspend",
            Self::Hold => "hold",
            Self::IdleLatency => "idle latency",
            Self::FilteredOffset => "filtered offset",
            Self::SilentClient => "silent client",
            Self::LockExpiry => "lock expiry",
            Self::CommittedOffset => "committed offset",
            Self::DuplicatesKill => "duplicates after a kill",
            Self::DuplicatesMove => "duplicates after a move",
            Self::Cached => "cached",
            Self::RoutePoll => "route poll",
            Self::Derived => "derived",
            Self::Input => "input",
        }
    }

    /// Whether nothing but the same will do.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Exact | Self::Input)
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measure {
    pub subject: Subject,
    pub what: &'static str,
    pub class: Class,
}

impl Measure {
    pub const fn new(subject: Subject, what: &'static str, class: Class) -> Self {
        Self { subject, what, class }
    }
}

/// The page names classes, the README says what they mean.
#[test]
fn every_class_is_explained() {
    let readme = include_str!("README.md");
    for class in Class::ALL {
        let row = format!("| {} |", class.name());
        assert!(
            readme.contains(&row),
            "tests/truth/field/README.md has no row {row}"
        );
    }
}
