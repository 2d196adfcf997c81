//! Scenario files: from bytes that nobody has checked to a configuration that a simulation can trust.
//!
//! `source` (bytes to text) → `json` (text to tree, with places) → `overrides` (changes from the command
//! line) → `shape` (keys, kinds, units, ranges) → `schema` (types) → `resolve` (names to ids) → `estimate`
//! (how many messages). `study` makes many scenarios of one file. Each step reports all that it finds; the next runs only on what is sound.

pub mod defaults;
pub mod diagnostic;
pub mod estimate;
mod field;
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
pub mod study;
pub mod suggest;
pub mod units;
mod vocabulary;

pub use diagnostic::{Diagnostic, Diagnostics, Source, Sources, Span};
use overrides::Assignment;
pub use overrides::Overrides;
pub use source::stem;

use crate::cluster::config::ClusterConfig;
use crate::kernel::time::SimDuration;
use crate::scenario::json::Node;
use crate::scenario::locate::{FieldPath, Step};
use crate::scenario::schema::ScenarioFile;
use crate::scenario::shape::Shapes;
use crate::scenario::study::Study;
use std::sync::Arc;

/// A scenario, checked and resolved.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The texts it came from, for messages about it; shared by the variants of a study.
    pub sources: Arc<Sources>,
    /// Which of them is its file.
    source: usize,
    /// What the file says, after overrides.
    pub file: ScenarioFile,
    /// What the simulation runs. `duration` is cut by `--until`.
    pub config: ClusterConfig,
    /// Expectations with their places, unread.
    pub expect: Vec<(String, Span)>,
    /// The file with every default filled in; reads back to the same configuration (but for `--until`).
    pub normalised: serde_json::Value,
    /// What the file wants compared; a run does not look at it.
    pub study: Option<Study>,
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
        let shapes = Shapes::new();
        let (sets, problems) = overrides::read(&overrides.set, &shapes, &mut sources);
        let sources = Arc::new(sources);
        Self::changed(&sources, &sets, problems, &shapes, overrides)
            .map_err(|problems| Box::new(Diagnostics::new((*sources).clone(), problems)))
    }

    /// The first of `sources` with the changes of `sets`, which had `problems`.
    fn changed(
        sources: &Arc<Sources>,
        sets: &[Assignment],
        mut problems: Vec<Diagnostic>,
        shapes: &Shapes,
        overrides: &Overrides,
    ) -> Result<Self, Vec<Diagnostic>> {
        let mut root = json::parse(&sources.0[0].text, 0)?;
        problems.extend(overrides::apply(sets, &mut root, shapes));
        problems.extend(shapes.check(&root));
        if !problems.is_empty() {
            return Err(problems);
        }
        Self::of(&root, sources, overrides)
    }

    /// The scenario in `root`, whose shape is right.
    ///
    /// # Errors
    /// What makes no sense in it.
    fn of(root: &Node, sources: &Arc<Sources>, overrides: &Overrides) -> Result<Self, Vec<Diagnostic>> {
        let mut file = typed(root)?;
        if let Some(seed) = overrides.seed {
            file.seed = schema::Seed(seed);
        }
        let mut config = resolve::resolve(&file, root)?;
        let until = until(overrides, &config)?;
        let bound = overrides.max_messages.unwrap_or(limits::MESSAGES);
        estimate::check(&file, &config, until, bound, root).map_err(|problem| vec![*problem])?;
        if overrides.max_events.is_none() {
            estimate::check_events(&config, until, root).map_err(|problem| vec![*problem])?;
        }
        let places = file.expect.iter().enumerate().map(|(i, text)| {
            let path = FieldPath(vec![Step::Key("expect".to_owned()), Step::Index(i)]);
            (text.clone(), locate::span_of(root, &path))
        });
        let expect = places.collect();
        let normal = normalise::normalise(&file, &config);
        let normalised = serde_json::to_value(normal).unwrap_or_default();
        config.duration = until;
        Ok(Self {
            sources: Arc::clone(sources),
            source: root.span.source,
            study: file.study.as_ref().map(|block| Study::read(block, root)),
            file,
            config,
            expect,
            normalised,
        })
    }

    /// Path of the file as it was named.
    pub fn name(&self) -> &str {
        &self.sources.0[self.source].name
    }

    /// Problems that a later step finds in this scenario, for example in its expectations.
    pub fn diagnostics(&self, problems: Vec<Diagnostic>) -> Diagnostics {
        Diagnostics::new((*self.sources).clone(), problems)
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
        Some(until) if until <= config.warmup => Err(vec![
            Diagnostic::new(format!(
                "--until {until} lies within the warm-up, which ends at {}: nothing would be measured",
                config.warmup
            ))
            .help("to look at the start of the run add --set warmup=0s"),
        ]),
        until => Ok(until.unwrap_or(config.duration)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::ids::TopicId;

    fn shipped_scenarios() -> impl Iterator<Item = (&'static str, &'static str)> {
        let names = shipped::names().chain(shipped::studies());
        names.filter_map(|name| Some((name, shipped::text(name)?)))
    }

    #[track_caller]
    fn read(name: &str, text: &str) -> Scenario {
        Scenario::from_text(name, text, &Overrides::default()).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// The normal form says everything: nothing is left to a default, and nothing is lost.
    #[test]
    fn the_normal_form_reads_back_to_the_same_configuration() {
        let strategies = r#"{ "title": "t", "duration": "1h",
            "cluster": { "brokers": 2, "machineRooms": { "sh": ["broker-b"], "hz": ["broker-a"] }, "topics": { "a": {} } },
            "groups": { "g": { "strategy": "MACHINE_ROOM_NEARBY-CONSISTENT_HASH", "consumers": [
                { "machineRoom": "hz", "strategy": { "CONFIG": { "g-2": ["a broker-b:3"] } } },
                { "machineRoom": "sh", "strategy": { "X_BOUNDED_CONSISTENT_HASH": { "loadBound": 1.5 } } },
                { "machineRoom": "sh", "strategy": { "X_WEIGHTED": { "weights": { "g-1": 3 } } } } ] } } }"#;
        let others = [("template", shipped::TEMPLATE), ("strategies", strategies)];
        for (name, text) in shipped_scenarios().chain(others) {
            let first = read(name, text);
            let second = read(name, &first.normalised.to_string());
            assert_eq!(
                format!("{:?}", first.config),
                format!("{:?}", second.config),
                "{name}"
            );
            assert_eq!(first.normalised, second.normalised, "{name}");
        }
    }

    /// Two spellings of one scenario.
    #[test]
    fn order_comments_and_spelling_change_nothing() {
        let one = r#"{ "title": "t", "duration": "1h", "cluster": { "topics": { "b": {}, "a": {} } },
            "producers": { "y": { "topic": "a", "rate": "2k/s" }, "x": { "topic": "b" } },
            "groups": { "g": { "subscribe": { "b": "*", "a": "*" } } } }"#;
        let other = r#"{ "duration": "60m", /* same */ "title": "t", "cluster": { "topics": { "a": {}, "b": {} } },
            "groups": { "g": { "subscribe": { "a": null, "b": "" } } },
            "producers": { "x": { "topic": "b" }, "y": { "rate": "2000/s", "topic": "a" } } }"#;
        let (one, other) = (read("one", one), read("other", other));
        assert_eq!(format!("{:?}", one.config), format!("{:?}", other.config));
        assert_eq!(one.normalised, other.normalised);
    }

    /// Filters are numbered by topic, not as the file happens to name them.
    #[test]
    fn the_order_of_keys_changes_no_filter() {
        let with = |subscribe: &str| {
            let text = format!(
                r#"{{ "title": "t", "duration": "1h", "cluster": {{ "topics": {{ "a": {{}}, "b": {{}} }} }},
                "groups": {{ "g": {{ "subscribe": {subscribe} }} }} }}"#
            );
            read("f", &text)
        };
        let (one, other) = (
            with(r#"{ "b": "T1", "a": "T2" }"#),
            with(r#"{ "a": "T2", "b": "T1" }"#),
        );
        assert_eq!(format!("{:?}", one.config), format!("{:?}", other.config));
    }

    /// 2⁵³ + 1 is the first seed that a reader with floating point would round.
    #[test]
    fn large_seeds_survive() {
        for seed in [0, 1 << 53, (1 << 53) + 1, u64::MAX] {
            let overrides = Overrides {
                seed: Some(seed),
                ..Overrides::default()
            };
            let text = shipped::text("quickstart").unwrap();
            let first = Scenario::from_text("f", text, &overrides).unwrap();
            assert_eq!(read("f", &first.normalised.to_string()).config.seed, seed);
        }
    }

    /// `--until` cuts the run and nothing else: the default of the sampling grid stays.
    #[test]
    fn until_cuts_the_run_only() {
        let text = shipped::text("consumer-crash").unwrap();
        let until = Some(SimDuration::from_secs(30));
        let cut = Scenario::from_text(
            "f",
            text,
            &Overrides {
                until,
                ..Overrides::default()
            },
        )
        .unwrap();
        let whole = read("f", text);
        assert_eq!(cut.config.duration, SimDuration::from_secs(30));
        assert_eq!(cut.config.sample_interval, whole.config.sample_interval);
        assert_eq!(cut.config.timeline.len(), whole.config.timeline.len());
        assert_eq!(cut.normalised, whole.normalised);
    }

    /// A group subscribes to what it says, else to all that its members name; members that differ say so.
    #[test]
    fn members_may_subscribe_to_less_than_their_group() {
        let scenario = read(
            "f",
            r#"{ "title": "t", "duration": "10m", "cluster": { "topics": { "a": {}, "b": {}, "c": {} } },
                "groups": {
                  "of-members": { "consumers": [{ "subscribe": { "c": "*" } }, { "subscribe": { "a": "" } }, {}] },
                  "said": { "subscribe": { "b": "*", "a": "*" },
                            "consumers": [{ "subscribe": { "a": "*" } }, { "subscribe": { "a": "*", "b": "*" } }] } },
                "timeline": [{ "at": "1m", "join": "said" }] }"#,
        );
        let topics = |ids: &[TopicId]| ids.iter().map(|id| id.0).collect::<Vec<u32>>();
        let subscriptions = |group: usize| {
            let group = &scenario.config.groups[group];
            let own = group.consumers.iter().map(|c| c.subscribe.as_deref().map(topics));
            (topics(&group.subscribe), own.collect::<Vec<_>>())
        };
        assert_eq!(
            subscriptions(0),
            (vec![0, 2], vec![Some(vec![2]), Some(vec![0]), None])
        );
        // Who joins is like the first.
        assert_eq!(
            subscriptions(1),
            (vec![0, 1], vec![Some(vec![0]), None, Some(vec![0])])
        );
        let again = read("f", &scenario.normalised.to_string());
        assert_eq!(format!("{:?}", scenario.config), format!("{:?}", again.config));
        assert_eq!(scenario.normalised, again.normalised);
        let said = &scenario.normalised["groups"]["said"]["consumers"];
        assert_eq!(said[1].get("subscribe"), None, "the same as the group's");
    }

    /// Members that join are numbered on and start only by the timeline.
    #[test]
    fn the_timeline_is_expanded_in_order_of_time() {
        let scenario = read(
            "f",
            r#"{ "title": "t", "duration": "10m", "cluster": { "topics": { "orders": {} } },
                "groups": { "g": { "consumers": { "count": 3, "threads": 7 } } },
                "timeline": [
                  { "at": "5m", "leave": "g/*", "every": "10s" },
                  { "at": "1m", "join": "g", "count": 2, "every": "30s" },
                  { "at": "2m", "kill": "g/g-2" }
                ] }"#,
        );
        let group = &scenario.config.groups[0];
        let names: Vec<&str> = group.consumers.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["g-1", "g-2", "g-3", "g-4", "g-5"]);
        assert_eq!(group.consumers[4].start, None);
        assert_eq!(group.consumers[4].threads, 7);
        let told: Vec<String> = scenario
            .config
            .timeline
            .iter()
            .map(|e| format!("{} {:?}", e.at.as_secs_f64(), e.action))
            .collect();
        let expected = [
            "60 Join(Member { group: GroupId(0), consumer: 3 })",
            "90 Join(Member { group: GroupId(0), consumer: 4 })",
            "120 Kill(Member { group: GroupId(0), consumer: 1 })",
            "300 Leave(Member { group: GroupId(0), consumer: 0 })",
            "310 Leave(Member { group: GroupId(0), consumer: 2 })",
            "320 Leave(Member { group: GroupId(0), consumer: 3 })",
            "330 Leave(Member { group: GroupId(0), consumer: 4 })",
        ];
        assert_eq!(told, expected);
    }
}
