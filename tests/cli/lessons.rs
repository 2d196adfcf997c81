//! Shipped scenarios and studies are lessons. That their expectations hold is checked by the gallery.

use rmqsim::scenario::study::{Plan, Wanted};
use rmqsim::scenario::{Overrides, Scenario, shipped};

/// A lesson is read in a minute and runs in a moment.
#[test]
fn shipped_scenarios_are_small() {
    for name in shipped::names() {
        let scenario = Scenario::load(name, &Overrides::default()).unwrap();
        let messages = rmqsim::scenario::estimate::messages(&scenario.config);
        assert!(messages <= 300_000, "{name} makes {messages} messages");
        assert!(
            !scenario.file.teaches.is_empty() && !scenario.file.try_next.is_empty(),
            "{name}"
        );
        assert!(!scenario.expect.is_empty(), "{name} expects nothing");
    }
}

/// A study too, all its runs together.
#[test]
fn shipped_studies_are_small() {
    for name in shipped::studies() {
        let plan = Plan::load(&[name.to_owned()], &Overrides::default(), &Wanted::default()).unwrap();
        assert!(
            plan.messages <= 10_000_000,
            "{name} makes {} messages",
            plan.messages
        );
        assert!(
            !plan.metrics.is_empty(),
            "{name} says nothing of what is compared"
        );
        let file = Scenario::load(name, &Overrides::default()).unwrap().file;
        assert!(!file.teaches.is_empty() && !file.try_next.is_empty(), "{name}");
    }
}

/// The `path=value` of a suggestion: `set PATH to VALUE: what happens`, with ` and PATH to VALUE` before the colon as
/// often as it takes. A value has no blanks.
fn overrides(suggestion: &str) -> Option<Vec<String>> {
    let (settings, what_happens) = suggestion.strip_prefix("set ")?.split_once(": ")?;
    let assign = |setting: &str| {
        let (path, value) = setting.split_once(" to ")?;
        (!path.contains(' ') && !value.contains(' ')).then(|| format!("{path}={value}"))
    };
    let set = settings.split(" and ").map(assign).collect::<Option<_>>();
    set.filter(|_| !what_happens.is_empty())
}

/// What `try` suggests works when pasted behind `--set`, and changes something.
#[test]
fn suggestions_of_shipped_scenarios_work() {
    for name in shipped::names().chain(shipped::studies()) {
        let plain = Scenario::load(name, &Overrides::default()).unwrap();
        for suggestion in &plain.file.try_next {
            let set = overrides(suggestion).unwrap_or_else(|| panic!("{name}: not understood: {suggestion}"));
            let overrides = Overrides {
                set,
                ..Overrides::default()
            };
            let changed = Scenario::load(name, &overrides)
                .unwrap_or_else(|problems| panic!("{name}: {suggestion}\n{problems}"));
            assert_ne!(changed.normalised, plain.normalised, "{name}: {suggestion}");
            // And in every variant of a study.
            if let Err(problems) = Plan::of(&changed, &overrides, &Wanted::default()) {
                panic!("{name}: {suggestion}\n{problems}");
            }
        }
    }
}

#[test]
fn a_suggestion_names_paths_and_values() {
    let set = |text| overrides(text).unwrap_or_default();
    assert_eq!(set("set a.b to 3: more of it"), ["a.b=3"]);
    assert_eq!(
        set(r#"set a to {"b":1} and c[0].d to 5m: both"#),
        [r#"a={"b":1}"#, "c[0].d=5m"]
    );
    for text in [
        "join 12 more: nothing",
        "set a to 3",
        "set a to 3 or 4: either",
        "set a: nothing",
    ] {
        assert_eq!(overrides(text), None, "{text}");
    }
}
