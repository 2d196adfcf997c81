//! Why a record waited so long for its first delivery.

use super::scene::{Place, Scene, Stretch};
use super::story::Cause;
use super::words;
use crate::cluster::directory::Directory;
use crate::kernel::time::{SimDuration, SimTime};

/// Shorter waits are nobody's question.
const LONG: SimDuration = SimDuration::from_secs(1);

/// What was so when a record was stored.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    pub stored: SimTime,
    /// Records of its queue that its reader had yet to be given.
    pub before: u64,
    /// [`put_off`](super::scene::Held::put_off) then.
    pub put_off: u64,
}

/// Why it took from `since` to `now`; `None` if that is not long.
pub fn cause(
    scene: &Scene,
    directory: &Directory,
    place: Place,
    since: Since,
    now: SimTime,
) -> Option<Cause> {
    if now.since(since.stored) < LONG {
        return None;
    }
    let held = scene.held(place);
    let mut parts = Vec::new();
    let (unowned, first) = within(&held.unowned, since.stored, now);
    if unowned > SimDuration::ZERO {
        let mut part = format!("nobody held the queue for {}", words::span(unowned));
        if let Some(taken) = held.taken {
            let taker = words::client(directory, taken.consumer);
            let went = held.given.map_or(String::new(), |given| {
                let giver = words::client(directory, given.consumer);
                match scene.client(given.consumer).stopped {
                    Some((at, how)) => format!("{giver} {} at {}, ", words::stopped(how), words::at(at)),
                    None => format!("{giver} gave it up at {}, ", words::at(given.at)),
                }
            });
            part += &format!(" ({went}{taker} took it at {})", words::at(taken.at));
        }
        parts.push(("unowned", part, first));
    }
    for owner in &held.owners {
        let (paused, first) = within(&scene.client(*owner).paused, since.stored, now);
        if paused > SimDuration::ZERO {
            let part = format!(
                "the process of its owner {} stood still for {}",
                words::client(directory, *owner),
                words::span(paused)
            );
            parts.push(("paused", part, first));
        }
    }
    if since.before > 0 {
        let part = format!(
            "{} of its queue came first",
            words::counted(since.before, "record", "records")
        );
        parts.push(("backlog", part, Some(since.stored)));
    }
    let put_off = held.put_off.saturating_sub(since.put_off);
    if put_off > 0 {
        let part = format!(
            "{} put off because the cache of its owner was full",
            words::counted(put_off, "pull", "pulls")
        );
        parts.push(("flow_control", part, None));
    }
    let (kind, _, at) = *parts.first().map(|(kind, text, at)| (kind, text, at)).as_ref()?;
    let text: Vec<&str> = parts.iter().map(|(_, text, _)| text.as_str()).collect();
    Some(Cause {
        kind,
        text: text.join("; "),
        at: *at,
    })
}

/// How much of `stretches` lies between two instants, and when the first of that began.
fn within(stretches: &[Stretch], from: SimTime, to: SimTime) -> (SimDuration, Option<SimTime>) {
    let parts = stretches
        .iter()
        .map(|(begin, end)| ((*begin).max(from), end.unwrap_or(to).min(to), *begin))
        .filter(|(begin, end, _)| begin < end);
    let (mut sum, mut first) = (SimDuration::ZERO, None);
    for (begin, end, since) in parts {
        sum += end.since(begin);
        first = first.or(Some(since));
    }
    (sum, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_counts() {
        let at = |secs: u64| SimTime::ZERO + SimDuration::from_secs(secs);
        let stretches = [(at(1), Some(at(3))), (at(5), Some(at(6))), (at(9), None)];
        let check = |from, to, sum, first: Option<u64>| {
            let found = within(&stretches, at(from), at(to));
            assert_eq!(found, (SimDuration::from_secs(sum), first.map(at)));
        };
        check(0, 20, 14, Some(1));
        check(2, 5, 1, Some(1));
        check(3, 5, 0, None);
        check(4, 10, 2, Some(5));
    }
}
