//! The commands that give the same comparison again, or one run of it.

use super::model::{Comparison, Luck, VariantReport, WarmupRule};

/// Level of intervals that nobody has to ask for.
const USUAL_LEVEL: f64 = 0.95;

/// The command of the whole study, an option a line.
pub(super) fn whole(comparison: &Comparison) -> String {
    let design = &comparison.design;
    let mut command: Vec<String> = vec!["rmqsim".to_owned(), "compare".to_owned()];
    for variant in &comparison.variants {
        if !command[2..].contains(&variant.file) {
            command.push(variant.file.clone());
        }
    }
    let mut options: Vec<(&str, String)> = Vec::new();
    if let Some(first) = comparison.variants.first() {
        options.extend(common(comparison, first).map(|set| ("--set", set.clone())));
    }
    let fields = design.factors.iter().enumerate();
    for (at, factor) in fields.filter(|(_, factor)| factor.path != "file") {
        options.push((
            "--vary",
            format!("{}={}", factor.path, values(comparison, at).join(",")),
        ));
    }
    let until = comparison.run.until_seconds;
    options.extend(until.map(|until| ("--until", format!("{until}s"))));
    let seeds = &comparison.run.seeds;
    options.extend(seeds.first().map(|seed| ("--seed", seed.clone())));
    match &design.stopping {
        Some(stopping) => {
            options.push(("--until-ci", stopping.target.to_string()));
            options.push(("--max-seeds", comparison.run.seeds_planned.to_string()));
        }
        None => options.push(("--seeds", comparison.run.seeds_planned.to_string())),
    }
    if comparison
        .variants
        .first()
        .is_some_and(|first| first.label != design.baseline)
    {
        options.push(("--baseline", design.baseline.clone()));
    }
    if design.level != USUAL_LEVEL {
        options.push(("--level", design.level.to_string()));
    }
    if design.warmup.rule == WarmupRule::Mser5 {
        options.push(("--warmup", "mser5".to_owned()));
    }
    if !design.default_metrics {
        options.extend(
            comparison
                .metrics
                .iter()
                .map(|metric| ("--metric", metric.path.clone())),
        );
    }
    let mut lines = vec![shell(&command)];
    lines.extend(
        options
            .into_iter()
            .map(|(name, value)| shell(&[name.to_owned(), value])),
    );
    if design.luck == Luck::Independent {
        lines.push("--independent".to_owned());
    }
    lines.join(" \\\n  ")
}

/// The values of a factor as they were given: labels may be shorter.
fn values(comparison: &Comparison, at: usize) -> Vec<String> {
    let factor = &comparison.design.factors[at];
    let given = |cell: usize| {
        let has = |variant: &&VariantReport| variant.cells.get(at) == Some(&(cell as u64));
        let variant = comparison.variants.iter().find(has)?;
        let set = variant.set.iter().find(|set| about(set, &factor.path))?;
        Some(set[factor.path.len() + 1..].to_owned())
    };
    (factor.values.iter().enumerate())
        .map(|(cell, label)| given(cell).unwrap_or_else(|| label.clone()))
        .collect()
}

/// The command of one run: with its own seed, and with what is set, left out at its start and cut from its end (seconds).
pub fn one_run<'s>(
    file: &str,
    seed: Option<&str>,
    set: impl IntoIterator<Item = &'s String>,
    warmup: Option<f64>,
    until: Option<f64>,
) -> String {
    let mut words: Vec<String> = ["rmqsim", "run", file].map(str::to_owned).to_vec();
    if let Some(seed) = seed {
        words.extend(["--seed".to_owned(), seed.to_owned()]);
    }
    let warmup = warmup.map(|seconds| format!("warmup={seconds}s"));
    for set in set.into_iter().cloned().chain(warmup) {
        words.extend(["--set".to_owned(), set]);
    }
    if let Some(until) = until {
        words.extend(["--until".to_owned(), format!("{until}s")]);
    }
    shell(&words)
}

/// One run of each variant, with the first seed; none if every variant has seeds of its own.
pub(super) fn each(comparison: &Comparison) -> Vec<String> {
    if comparison.design.luck == Luck::Independent {
        return Vec::new();
    }
    let (run, warmup) = (&comparison.run, &comparison.design.warmup);
    let found = (warmup.rule == WarmupRule::Mser5).then_some(warmup.seconds);
    let one = |variant: &VariantReport| {
        let seed = run.seeds.first().map(String::as_str);
        one_run(&variant.file, seed, &variant.set, found, run.until_seconds)
    };
    comparison.variants.iter().map(one).collect()
}

/// What is set for all variants alike.
fn common<'a>(comparison: &'a Comparison, variant: &'a VariantReport) -> impl Iterator<Item = &'a String> {
    let varied = |set: &str| {
        comparison
            .design
            .factors
            .iter()
            .any(|factor| about(set, &factor.path))
    };
    variant.set.iter().filter(move |set| !varied(set))
}

/// Whether a text for `--set` is about the field at `path`.
fn about(set: &str, path: &str) -> bool {
    set.strip_prefix(path).is_some_and(|rest| rest.starts_with('='))
}

/// A command that a shell reads as these words.
fn shell(words: &[String]) -> String {
    // Only a NUL cannot be quoted, and no argument has one.
    let quoted = words
        .iter()
        .map(|word| shlex::try_quote(word).unwrap_or_default());
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::comparison::fixture;
    use crate::report::comparison::model::StoppingReport;

    /// The value of an option in a command that a shell has split into words.
    fn options(command: &str, name: &str) -> Vec<String> {
        let words = shlex::split(command).expect("a shell can read it");
        let pairs = words.windows(2).filter(|pair| pair[0] == name);
        pairs.map(|pair| pair[1].clone()).collect()
    }

    #[test]
    fn a_study_is_told_as_a_command() {
        let mut made = fixture::grid();
        made.design.baseline = made.variants[5].label.clone();
        made.variants[0].set[1] =
            r#"groups.billing.consumers.service={"gamma":{"mean":"20ms","cv":2}}"#.to_owned();
        for variant in &mut made.variants {
            variant.set.insert(0, "duration=5m".to_owned());
        }
        let command = whole(&made);
        assert!(
            command.starts_with("rmqsim compare scenarios/studies/made.json \\\n  --set "),
            "{command}"
        );
        assert_eq!(options(&command, "--set"), ["duration=5m"]);
        assert_eq!(
            options(&command, "--vary"),
            [
                "groups.billing.consumers.threads=5,10,20,40",
                r#"groups.billing.consumers.service={"gamma":{"mean":"20ms","cv":2}},40ms,80ms,160ms"#,
            ]
        );
        assert_eq!(options(&command, "--seed"), ["7"]);
        assert_eq!(options(&command, "--seeds"), ["20"]);
        assert_eq!(options(&command, "--baseline"), ["10, 40ms"]);
        assert_eq!(options(&command, "--metric").len(), 3);
        assert!(
            !command.contains("--independent") && !command.contains("--warmup"),
            "{command}"
        );
    }

    #[test]
    fn what_was_chosen_is_told() {
        let mut made = fixture::strategies();
        made.design.default_metrics = true;
        made.design.luck = Luck::Independent;
        made.design.level = 0.99;
        made.design.stopping = Some(StoppingReport {
            target: 0.02,
            ..StoppingReport::default()
        });
        made.variants[3].file = "other file.json".to_owned();
        let command = whole(&made);
        assert!(command.ends_with("--independent"), "{command}");
        assert!(each(&made).is_empty(), "their seeds are not the first");
        assert!(command.contains("made.json 'other file.json'"), "{command}");
        assert_eq!(options(&command, "--until-ci"), ["0.02"]);
        assert_eq!(options(&command, "--max-seeds"), ["20"]);
        assert_eq!(options(&command, "--level"), ["0.99"]);
        assert!(options(&command, "--metric").is_empty(), "those by default");
        assert!(options(&command, "--seeds").is_empty());
    }

    /// A warm-up that was found for the study is given to a run alone.
    #[test]
    fn a_found_warm_up_is_told() {
        let mut made = fixture::strategies();
        made.design.warmup.rule = WarmupRule::Mser5;
        made.design.warmup.seconds = 90.0;
        assert_eq!(options(&whole(&made), "--warmup"), ["mser5"]);
        let alone = each(&made);
        assert_eq!(
            options(&alone[0], "--set"),
            ["groups.billing.strategy=AVG", "warmup=90s"]
        );
    }

    #[test]
    fn each_variant_runs_alone() {
        let alone = each(&fixture::hostile());
        assert_eq!(alone.len(), 5);
        assert_eq!(
            options(&alone[0], "--set"),
            ["groups.组 <b>&|.strategy=<&>\"'|`*_"]
        );
        assert_eq!(options(&alone[4], "--set"), ["groups.组 <b>&|.strategy="]);
    }
}
