//! Calls of listeners, on the lowest thread of their client that is free.
//!
//! A call has all its messages in one slice. It is over when the result of its first message is told; those of the others
//! are told in the same instant, one behind the other.

use super::args::Args;
use super::flows::Flows;
use super::lanes::Lanes;
use super::tracks::Key;
use super::{Pen, Slice};
use crate::cluster::directory::Directory;
use crate::cluster::fact::{Fact, NoStatus, StopKind};
use crate::cluster::ids::{ConsumerId, MessageId, QueueId};
use crate::kernel::memory;
use crate::kernel::time::SimTime;
use std::collections::BTreeMap;
use std::io::Write;

/// One record in the hands of one client.
type Place = (ConsumerId, QueueId, u64);

/// A call under way.
#[derive(Debug)]
struct Call {
    consumer: ConsumerId,
    queue: QueueId,
    lane: u32,
    began: SimTime,
    message: MessageId,
    offsets: (u64, u64),
    reconsume_times: u16,
    messages: u64,
    results: Results,
    no_status: Option<NoStatus>,
    /// Records among them from whose storage an arrow leads here.
    arrows: Vec<u64>,
}

/// Messages of a call by what came of them.
#[derive(Clone, Copy, Debug, Default)]
struct Results {
    succeeded: u64,
    failed: u64,
    discarded: u64,
}

/// All calls under way.
#[derive(Debug, Default)]
pub struct Calls {
    open: BTreeMap<u64, Call>,
    by_place: BTreeMap<Place, u64>,
    lanes: Lanes<ConsumerId>,
    /// Calls so far.
    count: u64,
    /// The call whose results are being told.
    returning: Option<(u64, SimTime)>,
}

impl Calls {
    pub fn fact<W: Write>(
        &mut self,
        now: SimTime,
        directory: &Directory,
        fact: &Fact,
        pen: &mut Pen<W>,
        flows: &mut Flows,
    ) {
        match *fact {
            Fact::Consumed {
                consumer,
                queue,
                offset,
                success,
                ..
            } => {
                if let Some(results) = self.result(now, (consumer, queue, offset), directory, pen, flows) {
                    results.succeeded += u64::from(success);
                    results.failed += u64::from(!success);
                }
                return;
            }
            Fact::ResultDiscarded {
                consumer,
                queue,
                offset,
                ..
            } => {
                if let Some(results) = self.result(now, (consumer, queue, offset), directory, pen, flows) {
                    results.discarded += 1;
                }
                return;
            }
            Fact::NoStatus {
                consumer,
                queue,
                offset,
                how,
                ..
            } => return self.no_status((consumer, queue, offset), how),
            _ => {}
        }
        self.returned(directory, pen, flows);
        match *fact {
            Fact::Delivered {
                consumer,
                queue,
                offset,
                message,
                reconsume_times,
                position,
                ..
            } => {
                if position == 0 {
                    let lane = self.lanes.take(consumer);
                    self.count += 1;
                    self.open.insert(
                        self.count,
                        Call {
                            consumer,
                            queue,
                            lane,
                            began: now,
                            message,
                            offsets: (offset, offset),
                            reconsume_times,
                            messages: 0,
                            results: Results::default(),
                            no_status: None,
                            arrows: Vec::new(),
                        },
                    );
                }
                if let Some(call) = self.open.get_mut(&self.count) {
                    call.messages += 1;
                    call.offsets.1 = offset;
                    if flows.has(queue, offset) {
                        call.arrows.push(offset);
                    }
                    self.by_place.insert((consumer, queue, offset), self.count);
                }
            }
            Fact::ConsumerStopped {
                consumer,
                how: StopKind::Killed | StopKind::Vanished,
            } => {
                // What the process still had in hand is cut off with it.
                let mine = self.open.iter().filter(|(_, call)| call.consumer == consumer);
                let mine: Vec<u64> = mine.map(|(id, _)| *id).collect();
                for id in mine {
                    self.close(id, now, false, directory, pen, flows);
                }
            }
            _ => {}
        }
    }

    /// The result of one message is told: the results of its call, which is over.
    fn result<W: Write>(
        &mut self,
        now: SimTime,
        place: Place,
        directory: &Directory,
        pen: &mut Pen<W>,
        flows: &mut Flows,
    ) -> Option<&mut Results> {
        let id = self.by_place.remove(&place);
        if self.returning.is_some_and(|(returning, _)| Some(returning) != id) {
            self.returned(directory, pen, flows);
        }
        let call = self.open.get_mut(&id?)?;
        self.returning = Some((id?, now));
        Some(&mut call.results)
    }

    /// A listener hangs, or has just ended without a status.
    fn no_status(&mut self, place: Place, how: NoStatus) {
        let id = match how {
            NoStatus::Hangs => self.by_place.get(&place).copied(),
            NoStatus::Threw | NoStatus::ReturnedNull => self.returning.map(|(id, _)| id),
        };
        if let Some(call) = id.and_then(|id| self.open.get_mut(&id)) {
            call.no_status = Some(how);
        }
    }

    /// All results of the call that has returned are told.
    fn returned<W: Write>(&mut self, directory: &Directory, pen: &mut Pen<W>, flows: &mut Flows) {
        if let Some((id, at)) = self.returning.take() {
            self.close(id, at, false, directory, pen, flows);
        }
    }

    /// Writes a call that is over, or lasts beyond the end.
    fn close<W: Write>(
        &mut self,
        id: u64,
        at: SimTime,
        lasts: bool,
        directory: &Directory,
        pen: &mut Pen<W>,
        flows: &mut Flows,
    ) {
        let Some(call) = self.open.remove(&id) else {
            return;
        };
        let (first, last) = call.offsets;
        // Those whose result is not told: taken from the listener meanwhile.
        let rest = (call.consumer, call.queue, first)..=(call.consumer, call.queue, last);
        let rest: Vec<Place> = self
            .by_place
            .range(rest)
            .filter(|(_, of)| **of == id)
            .map(|(place, _)| *place)
            .collect();
        for place in rest {
            self.by_place.remove(&place);
        }
        self.lanes.free(&call.consumer, call.lane);
        let name = format!("{}{}", directory.queue_label(call.queue), call.came_to(lasts));
        let key = Key::Listener(call.consumer, call.lane);
        let slice = Slice {
            category: "listener",
            name: &name,
            from: call.began,
            to: at,
            args: call.args(&pen.names.message(call.message), pen.names.queue(call.queue)),
        };
        pen.slice(directory, key, &slice);
        for offset in &call.arrows {
            flows.arrow((call.queue, *offset), key, (call.began, at), directory, pen);
        }
    }

    /// The run is over.
    pub fn finish<W: Write>(
        &mut self,
        end: SimTime,
        directory: &Directory,
        pen: &mut Pen<W>,
        flows: &mut Flows,
    ) {
        self.returned(directory, pen, flows);
        while let Some(id) = self.open.keys().next().copied() {
            self.close(id, end, true, directory, pen, flows);
        }
    }

    /// Bytes that it holds.
    pub fn held(&self) -> u64 {
        memory::of_map(&self.open) + memory::of_map(&self.by_place) + self.lanes.held()
    }
}

impl Call {
    /// What has come of it, unless that is success.
    fn came_to(&self, lasts: bool) -> &'static str {
        let Results {
            succeeded,
            failed,
            discarded,
        } = self.results;
        match self.no_status {
            Some(NoStatus::Hangs) => ", hangs",
            Some(NoStatus::Threw) => ", threw",
            Some(NoStatus::ReturnedNull) => ", returned null",
            None if lasts => ", not over",
            None if failed > 0 && succeeded > 0 => ", failed in part",
            None if failed > 0 => ", failed",
            None if discarded > 0 => ", discarded",
            None if succeeded == 0 => ", cut off",
            None => "",
        }
    }

    fn args(&self, message: &str, queue: &str) -> Args {
        let args = Args::default().text("message", message).json("queue", queue);
        let (first, last) = self.offsets;
        let args = match self.messages {
            1 => args.number("offset", first),
            messages => args
                .number("offset", first)
                .number("last offset", last)
                .number("messages", messages),
        };
        let args = args.number("reconsumeTimes", self.reconsume_times.into());
        let Results {
            succeeded,
            failed,
            discarded,
        } = self.results;
        let results = [
            ("succeeded", succeeded),
            ("failed", failed),
            ("discarded", discarded),
        ];
        results
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .fold(args, |args, (key, count)| args.number(key, count))
    }
}
