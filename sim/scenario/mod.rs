//! Scenario files: from bytes that nobody has checked to a configuration that a simulation can trust.
//!
//! `source` (bytes to text) → `json` (text to tree, with places) → `overrides` (changes from the command
//! line) → `shape` (keys, kinds, units, ranges) → `schema` (types) → `resolve` (names to ids) → `estimate`
//! (how many messages). Each step reports all that it finds; the next runs only on what is sound.

pub mod defaults;
pub mod diagnostic;
pub mod estimate;
pub mod json;
pub mod limits;
pub mod locate;
mod normalise;
mod overrides;
mod resolve;
pub mod schema;
pub mod shape;
pub mod shipped;
mod source;
pub mod suggest;
pub mod units;
mod vocabulary;

pub use diagnostic::{Diagnostic, Diagnostics, Source, Sources, Span};
pub use overrides::Overrides;

use crate::cluster::config::ClusterConfig;
use crate::kernel::time::SimDuration;
use crate::scenario::estimate::grouped;
use crate::scenario::json::Node;
use crate::scenario::locate::{FieldPath, Step};
use crate::scenario::schema::ScenarioFile;
use crate::scenario::shape::Shapes;

/// A scenario, checked and resolved.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The texts it came from, for messages about it; the file is the first.
    pub sources: Sources,
    /// What the file says, after overrides.
    pub file: ScenarioFile,
    /// What the simulation runs. `duration` is cut by `--until`.
    pub config: ClusterConfig,
    /// Expectations with their places, unread.
    pub expect: Vec<(String, Span)>,
    /// The file with every default filled in; reads back to the same configuration (but for `--until`).
    pub normalised: serde_json::Value,
}

impl Scenario {
    /// Reads the scenario that `name` stands for: a path, `-` for standard input, or the bare name of a shipped
    /// scenario.
    ///
    /// # Errors
    /// All that is wrong with it, up to the first step that cannot go on.
    pub fn load(name: &str, overrides: &Overrides) -> Result<Self, Box<Diagnostics>> {
        Self::read(source::read(name)?, overrides)
    }

    /// Reads a scenario from `text`; messages call it `name`.
    ///
    /// # Errors
    /// As [`Scenario::load`].
    pub fn from_text(name: &str, text: &str, overrides: &Overrides) -> Result<Self, Box<Diagnostics>> {
        let source = Source {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        Self::read(source, overrides)
    }

    fn read(source: Source, overrides: &Overrides) -> Result<Self, Box<Diagnostics>> {
        let mut sources = Sources(vec![source]);
        match Self::build(&mut sources, overrides) {
            Ok((file, config, expect)) => {
                let normal = normalise::normalise(&file, &config);
                let normalised = serde_json::to_value(normal).unwrap_or_default();
                let mut scenario = Self {
                    sources,
                    file,
                    config,
                    expect,
                    normalised,
                };
                scenario.config.duration = overrides.until.unwrap_or(scenario.config.duration);
                Ok(scenario)
            }
            Err(problems) => Err(Box::new(Diagnostics::new(sources, problems))),
        }
    }

    #[allow(clippy::type_complexity)]
    fn build(
        sources: &mut Sources,
        overrides: &Overrides,
    ) -> Result<(ScenarioFile, ClusterConfig, Vec<(String, Span)>), Vec<Diagnostic>> {
        let mut root = json::parse(&sources.0[0].text, 0)?;
        let shapes = Shapes::new();
        let mut problems = overrides::apply(&mut root, &overrides.set, &shapes, sources);
        problems.extend(shapes.check(&root));
        if !problems.is_empty() {
            return Err(problems);
        }
        let mut file = typed(&root)?;
        if let Some(seed) = overrides.seed {
            file.seed = schema::Seed(seed);
        }
        let config = resolve::resolve(&file, &root)?;
        let until = until(overrides, &config)?;
        foreseen(&file, &config, until, overrides, &root)?;
        let places = file.expect.iter().enumerate().map(|(i, text)| {
            let path = FieldPath(vec![Step::Key("expect".to_owned()), Step::Index(i)]);
            (text.clone(), locate::span_of(&root, &path))
        });
        let expect = places.collect();
        Ok((file, config, expect))
    }

    /// Path of the file as it was named.
    pub fn name(&self) -> &str {
        &self.sources.0[0].name
    }

    /// Problems that a later step finds in this scenario, for example in its expectations.
    pub fn diagnostics(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new(self.sources.clone(), problems)
    }
}

/// The typed file. What [`Shapes::check`] lets pass cannot fail here; if it does, the message names the field.
fn typed(root: &Node) -> Result<ScenarioFile, Vec<Diagnostic>> {
    let value = root.to_value();
    serde_path_to_error::deserialize(value).map_err(|error| {
        let steps = error.path().iter().filter_map(|segment| match segment {
            serde_path_to_error::Segment::Seq { index } => Some(Step::Index(*index)),
            serde_path_to_error::Segment::Map { key } => Some(Step::Key(key.clone())),
            _ => None,
        });
        let path = FieldPath(steps.collect());
        let span = locate::span_of(root, &path);
        vec![
            Diagnostic::new(format!("`{path}` cannot be read: {}", error.inner()))
                .at(span)
                .field(path),
        ]
    })
}

/// The end asked for by `--until`, or the end of the scenario.
fn until(overrides: &Overrides, config: &ClusterConfig) -> Result<SimDuration, Vec<Diagnostic>> {
    match overrides.until {
        Some(until) if until.is_zero() => Err(vec![Diagnostic::new("--until must be greater than 0")]),
        Some(until) if until > config.duration => Err(vec![
            Diagnostic::new(format!(
                "--until {until} lies after the end of the scenario at {}",
                config.duration
            ))
            .help(format!("to run for longer use --set duration={until}")),
        ]),
        until => Ok(until.unwrap_or(config.duration)),
    }
}

/// Refuses a run that would make more messages than allowed, with the arithmetic.
fn foreseen(
    file: &ScenarioFile,
    config: &ClusterConfig,
    until: SimDuration,
    overrides: &Overrides,
    root: &Node,
) -> Result<(), Vec<Diagnostic>> {
    let bound = u128::from(overrides.max_messages.unwrap_or(limits::MESSAGES));
    let cut = ClusterConfig {
        duration: until,
        ..config.clone()
    };
    let total = estimate::messages(&cut);
    if total <= bound {
        return Ok(());
    }
    // The largest contributor is the one to change.
    let of_block = |name: &str| {
        let instances = cut
            .producers
            .iter()
            .filter(|p| p.name.rsplit_once('-').is_some_and(|(n, _)| n == name));
        instances
            .map(|p| estimate::messages_of(p, until))
            .fold(0, u128::saturating_add)
    };
    let largest = file.producers.iter().max_by_key(|(name, _)| of_block(name));
    let Some((name, block)) = largest else {
        return Ok(());
    };
    let key = if block.rate.is_some() { "rate" } else { "messages" };
    let path = FieldPath(["producers", name, key].map(|k| Step::Key(k.to_owned())).to_vec());
    let rate = block.rate.map_or("100/s".to_owned(), |r| r.to_string());
    let sum = format!("{} × {rate} × {until}", block.count);
    let message = format!(
        "{} messages foreseen, more than the {} of one run",
        grouped(total),
        grouped(bound)
    );
    let problem = Diagnostic::new(message)
        .at(locate::span_of(root, &path))
        .field(path)
        .label(format!("`{name}` makes {}", grouped(of_block(name))))
        .help(format!(
            "{sum} at most; lower the rate, the count or the duration"
        ))
        .help(format!(
            "if this is meant, lift the limit with --max-messages {total}"
        ));
    Err(vec![problem])
}
